// The server's process and its client: started, ended and started again, with one message when it cannot be.
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type InitializeParams,
  type LanguageClientOptions,
} from 'vscode-languageclient/node';
import { findProgram, NoProgram, type Program } from './program';
import { SECTION, type Settings } from './settings';

const NAME = 'kfunc-lsp';
const LANGUAGES = ['c', 'cpp']; // headers are C++ to VS Code
const SCHEMES = ['file', 'untitled'];
const RESTARTS = 3;

/** A client that writes its own troubles to the log only: what the person has to know is said once, by `Server`. */
class Client extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** VS Code shows the semantic tokens of one server alone: those of clangd, which has all of them. */
  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params);
    delete params.capabilities.textDocument?.semanticTokens;
  }
}

export class Server implements vscode.Disposable {
  private client: Client | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<void>();

  /** Fires when the server has come, gone or taken other settings. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly settings: Settings,
    private readonly bundled: (python: string) => Promise<string>,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  get isRunning(): boolean {
    return this.client?.state === State.Running;
  }

  start(): Promise<void> {
    return this.inTurn(() => this.begin());
  }

  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.end();
      await this.begin();
    });
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  /** The answer to a request, `undefined` where there is no server. */
  async ask<R>(method: string, params: object): Promise<R | undefined> {
    await this.turn;
    return this.isRunning ? this.client?.sendRequest<R>(method, params) : undefined;
  }

  /** Tell the server that its settings are others now; it asks for them. */
  async configure(): Promise<void> {
    await this.turn;
    await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: null });
  }

  dispose(): void {
    this.changed.dispose();
  }

  /** One start or stop after the other, however often they are asked for, and whatever became of the one before. */
  private inTurn(task: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(task, task).finally(() => this.changed.fire());
    return this.turn;
  }

  private async begin(): Promise<void> {
    let program: Program;
    try {
      program = await findProgram(this.settings.own('server.path'), this.settings.own('server.python'), this.bundled);
    } catch (error) {
      if (!(error instanceof NoProgram)) {
        throw error;
      }
      this.complain(error.message, 'Open Settings', () =>
        vscode.commands.executeCommand('workbench.action.openSettings', `${SECTION}.${error.setting}`),
      );
      return;
    }
    const args = [...program.args, 'serve'];
    this.log.info(`${[program.command, ...args].join(' ')} (from ${program.origin})`);
    const client = new Client(
      SECTION,
      NAME,
      { command: program.command, args, options: { env: program.env } },
      this.options(),
    );
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.client = undefined;
      this.log.error(String(error));
      this.complain(`the server does not start (${program.command}, from ${program.origin}).`, 'Show Log', () => this.log.show());
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      // It has not answered in time, and is killed; the next one may start.
      this.log.warn(String(error));
    }
  }

  private options(): LanguageClientOptions {
    let left = RESTARTS;
    let hasStarted = false;
    return {
      documentSelector: SCHEMES.flatMap((scheme) => LANGUAGES.map((language) => ({ scheme, language }))),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: this.settings.options(),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          if (hasStarted && left-- > 0) {
            return { action: CloseAction.Restart, handled: true };
          }
          if (hasStarted) {
            this.complain('the server has ended again and again.', 'Show Log', () => this.log.show());
          }
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      middleware: {
        workspace: {
          configuration: (params) => {
            hasStarted = true;
            // Behind the answer, so that the server has the settings before it is asked about them.
            setImmediate(() => this.changed.fire());
            return params.items.map((item) => (item.section === SECTION ? this.settings.options() : null));
          },
        },
      },
    };
  }

  private complain(message: string, button: string, action: () => unknown): void {
    this.log.error(message);
    void vscode.window.showErrorMessage(`kfunc-lsp: ${message}`, button).then((pressed) => pressed && action());
  }
}
