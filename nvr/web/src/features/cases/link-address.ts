/** The link's text in an address, null if the address is none of a link. */
export function linkOf(hash: string): string | null {
  return /^#\/link\/(.*)$/.exec(hash)?.[1] ?? null;
}
