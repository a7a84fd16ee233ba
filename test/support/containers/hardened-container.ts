import { GenericContainer } from 'testcontainers';

/** A container as docker-compose.yml runs them: nothing of its root file system can be written, and it has no capability. */
export class HardenedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withDroppedCapabilities('ALL').withSecurityOpt('no-new-privileges').withTmpFs({ '/tmp': 'rw' });
  }
}
