/**
 * The slot of a repository: `larder_` and the first 12 digits of the repository's id, so that two services never share
 * one, and nobody drops a slot that is not Larder's.
 */
export function slotName(repositoryId: string): string {
  return `larder_${repositoryId.replaceAll('-', '').slice(0, 12).toLowerCase()}`;
}
