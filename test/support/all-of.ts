/** Waits for all of them, and only then throws the first error: nobody is left working behind the caller's back. */
export async function allOf<T>(pending: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(pending);
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}
