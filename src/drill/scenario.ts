/** The disasters that a drill can be of, and the drill that is held without one. */
export const SCENARIOS = [
  'routine',
  'database_corruption',
  'accidental_deletion',
  'ransomware',
  'host_loss',
  'repository_loss',
] as const;

export type Scenario = (typeof SCENARIOS)[number];

/** What somebody asks for, as far as it must fit the disaster. */
export interface ScenarioFacts {
  /** Whether a moment before the end of the log is named. */
  readonly hasTarget: boolean;
  /** Whether the repository that is read is the one that the configuration protects the cluster with. */
  readonly isPrimary: boolean;
}

/** What the drill of a disaster cannot do without; undefined where nothing is missing. For people, with what to do. */
export function missingFor(scenario: Scenario, { hasTarget, isPrimary }: ScenarioFacts): string | undefined {
  if (scenario === 'accidental_deletion' && !hasTarget) {
    return 'say to which moment before the deletion: --target-time';
  }
  if (scenario === 'repository_loss' && isPrimary) {
    return 'name the repository that is left: --repository';
  }
  return undefined;
}

/**
 * Whether damaged backups are what the disaster consists of: falling back from them is then what is to be shown, and no
 * failure of the drill. Anywhere else they are.
 */
export function expectsDamage(scenario: Scenario): boolean {
  return scenario === 'ransomware';
}
