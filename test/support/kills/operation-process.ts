import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const PROGRAMS = join(import.meta.dirname, '../programs');
/** Compiling anew at every start would be a third of the whole test. */
const COMPILED = join(import.meta.dirname, '../../../node_modules/.cache/larder-kills');

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether the operation was over before its process was. */
  readonly done: boolean;
  /** The last phase that was said. */
  readonly phase: string;
  /** How long each phase took, milliseconds. */
  readonly durations: ReadonlyMap<string, number>;
  readonly stderr: string;
}

/** A child process that runs one operation (`runOperation`), started ahead so that a kill meets the operation alone. */
export class OperationProcess {
  readonly #child: ChildProcess;
  readonly #said: { readonly word: string; readonly at: number }[] = [];
  readonly #closed: Promise<void>;
  #isOver = false;
  #listeners: (() => void)[] = [];
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.once('close', () => {
        this.#isOver = true;
        resolve();
      });
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      for (const word of text.trimEnd().split('\n')) this.#said.push({ word, at: performance.now() });
      for (const listener of this.#listeners.splice(0)) listener();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    child.stdin?.on('error', () => undefined);
  }

  /** `program` is a file of test/support/programs. */
  static start(program: string, args: readonly string[]): OperationProcess {
    const command = ['--disable-warning=ExperimentalWarning', join(PROGRAMS, program), ...args];
    const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED };
    return new OperationProcess(spawn(process.execPath, command, { stdio: 'pipe', env }));
  }

  /** Waits until the process is ready, lets it begin, and waits for its first phase. */
  async begin(): Promise<void> {
    await this.until('ready');
    this.#child.stdin?.write('begin\n');
    await this.#until(() => this.#said.length > 1);
  }

  /** Whether the process has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the word was said, or the process has ended. */
  async until(word: string): Promise<void> {
    await this.#until(() => this.#said.some((said) => said.word === word));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #until(happened: () => boolean): Promise<void> {
    while (!this.#isOver && !happened()) {
      await Promise.race([this.#closed, new Promise<void>((resolve) => this.#listeners.push(resolve))]);
    }
  }

  /** Resolves when the process has ended and all that it said was read. */
  async ended(): Promise<Ending> {
    await this.#closed;
    const now = performance.now();
    const words = this.#said.filter(({ word }) => word !== 'ready');
    const phases = words.filter(({ word }) => word !== 'done');
    return {
      code: this.#child.exitCode,
      signal: this.#child.signalCode,
      done: words.length > phases.length,
      phase: phases.at(-1)?.word ?? '',
      durations: new Map(phases.map(({ word, at }, i) => [word, (words[i + 1]?.at ?? now) - at])),
      stderr: this.#stderr,
    };
  }
}

/** Processes of one kind, the next one always starting while the last one works. */
export class OperationSupply implements AsyncDisposable {
  readonly #start: () => OperationProcess;
  #current: OperationProcess | undefined;
  #next: OperationProcess;

  constructor(program: string, args: readonly string[]) {
    this.#start = () => OperationProcess.start(program, args);
    this.#next = this.#start();
  }

  /** A process whose operation has just begun. One operation at a time. */
  async begin(): Promise<OperationProcess> {
    this.#current = this.#next;
    this.#next = this.#start();
    await this.#current.begin();
    return this.#current;
  }

  /** Ends what a failed test left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const operation of [this.#current, this.#next]) {
      operation?.kill();
      await operation?.ended();
    }
  }
}
