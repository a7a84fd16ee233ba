/** `12.30 USD`; more digits where there is next to nothing to pay. */
export function moneyText(amount: number, currency: string): string {
  const digits = amount >= 1 || amount === 0 ? 2 : 4;
  return `${amount.toFixed(digits)} ${currency}`;
}
