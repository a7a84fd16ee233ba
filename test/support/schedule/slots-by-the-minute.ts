const MINUTE = 60_000;

/**
 * The slots of a daily or weekly time in a zone, found without any cron library: every minute is asked for its local time.
 * A time that a change of clocks leaves out is due when the gap ends; one that comes twice is due the first time.
 *
 * @param at minutes since midnight
 * @param weekday 0 for Sunday; undefined for every day
 */
export function slotsByTheMinute(
  { from, to }: { readonly from: number; readonly to: number },
  {
    zone,
    at,
    weekday,
  }: { readonly zone: string; readonly at: number; readonly weekday?: number | undefined },
): number[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const slots: number[] = [];
  let day = '';
  let passed = true;
  for (let moment = from; moment < to; moment += MINUTE) {
    const [date = '', time = ''] = format.format(moment).split(', ');
    const [hour, minute] = time.split(':').map(Number);
    if (date !== day) {
      // what began in the middle of a day is not a whole one, unless it is before its time
      passed = day === '' && hour! * 60 + minute! > at;
      day = date;
    }
    if (passed || hour! * 60 + minute! < at) continue;
    passed = true;
    const [dayOfMonth, month, year] = date.split('/').map(Number);
    const ofWeek = new Date(Date.UTC(year!, month! - 1, dayOfMonth)).getUTCDay();
    if (weekday === undefined || weekday === ofWeek) slots.push(moment);
  }
  return slots;
}
