// VS Code's own workbench: code-server with the packaged extension, drawn by Chromium. Nothing but 127.0.0.1 is reached.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { chromium } from 'playwright-core';

export const PATIENCE = Number(process.env.PATIENCE ?? 20) * 1000;
export const START = 90_000; // until there is something to check, which is no check itself

const SETTINGS = {
  'chat.disableAIFeatures': true,
  'editor.accessibilitySupport': 'off',
  'editor.hover.delay': 100,
  'editor.minimap.enabled': false,
  'editor.stickyScroll.enabled': false,
  'editor.wordBasedSuggestions': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'files.autoSave': 'off',
  'git.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};
const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

const freePort = () =>
  new Promise((resolve) => {
    const socket = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });

/** What `condition` comes to, as soon as it is something. */
export async function until(what, condition, patience = PATIENCE) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    const value = await condition();
    if (value) {
      return value;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not in ${patience / 1000} s`);
}

export class Workbench {
  /** Install `vsix` and start: `out` takes all that is written, `machine` are settings of the machine's own. */
  static async start({ out, vsix, machine = {}, user = {}, flags = [] }) {
    const bench = new Workbench();
    bench.out = out;
    rmSync(out, { recursive: true, force: true });
    const data = path.join(out, 'data');
    const extensions = path.join(out, 'extensions');
    for (const folder of ['User', 'Machine'].map((name) => path.join(data, name)).concat(extensions)) {
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(path.join(data, 'User', 'settings.json'), JSON.stringify({ ...SETTINGS, ...user }));
    // The workbench is a client of a remote machine: its machine settings are read there.
    writeFileSync(path.join(data, 'Machine', 'settings.json'), JSON.stringify(machine));
    writeFileSync(path.join(out, 'config.yaml'), 'auth: none\ncert: false\n');
    const env = { ...process.env, EXTENSIONS_GALLERY: '{}', HOME: out };
    delete env.VSCODE_IPC_HOOK_CLI;
    delete env.PORT;
    const common = ['--user-data-dir', data, '--extensions-dir', extensions, '--config', path.join(out, 'config.yaml')];
    if (vsix) {
      execFileSync(process.env.CODE_SERVER, [...common, '--install-extension', vsix], { env, stdio: 'pipe' });
    }
    const port = await freePort();
    bench.origin = `http://127.0.0.1:${port}`;
    bench.authority = `127.0.0.1:${port}`;
    const options = [
      ...['--bind-addr', bench.authority, '--auth', 'none', '--disable-telemetry', '--disable-update-check'],
      ...['--disable-getting-started-override', '--ignore-last-opened'],
      // Else extensions get the PATH of a login shell, not of this process.
      ...['--vscode-option', 'force-disable-user-env', ...flags],
    ];
    bench.server = spawn(process.env.CODE_SERVER, [...common, ...options], { env, detached: true, stdio: 'pipe' });
    const log = createWriteStream(path.join(out, 'code-server.log'));
    bench.server.stdout.pipe(log);
    bench.server.stderr.pipe(log);
    bench.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: CHROMIUM });
    await until('code-server answers', () => fetch(`${bench.origin}/healthz`).then((answer) => answer.ok, () => false), START);
    bench.page = await bench.browser.newPage({ viewport: { width: 1160, height: 640 } });
    bench.page.setDefaultTimeout(PATIENCE);
    bench.page.setDefaultNavigationTimeout(START);
    bench.strangers = new Set();
    bench.page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') {
        bench.strangers.add(hostname);
      }
    });
    const console_ = createWriteStream(path.join(out, 'console.log'));
    bench.page.on('console', (message) => console_.write(`${message.text()}\n`));
    return bench;
  }

  /** A copy of folder `from`, to be worked in; `name` may be one inside of another's. */
  copy(from, name = 'workspace') {
    const folder = path.join(this.out, name);
    cpSync(from, folder, { recursive: true });
    return folder;
  }

  async open(folder) {
    await this.page.goto(`${this.origin}/?folder=${encodeURIComponent(folder)}`);
    await this.page.locator('.monaco-workbench .part.editor').waitFor({ timeout: START });
  }

  /** Open a file of the workspace, or of a folder in it, from the explorer. */
  async openFile(name, folder) {
    const rows = this.page.locator('.explorer-folders-view .monaco-list-row');
    if (folder) {
      await rows.filter({ hasText: folder }).click({ timeout: START });
    }
    const row = rows.filter({ hasText: name }).and(this.page.locator(`[aria-level="${folder ? 2 : 1}"]`));
    await row.dblclick({ timeout: START });
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor({ timeout: START });
    await this.lines.first().waitFor({ timeout: START });
  }

  get editor() {
    return this.page.locator('.editor-instance .monaco-editor').first();
  }

  get lines() {
    return this.editor.locator('.view-line');
  }

  /** The line with `text`; the editor writes spaces as it likes. */
  line(text) {
    const parts = text.split(' ').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return this.lines.filter({ hasText: new RegExp(parts.join('\\s*')) }).first();
  }

  /** The middle of `word`, in the line with `text`, on the screen. */
  async place(text, word) {
    return this.line(text).evaluate((line, word) => {
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(word);
        if (at >= 0) {
          const range = document.createRange();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          const box = range.getBoundingClientRect();
          return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        }
      }
      return undefined;
    }, word);
  }

  /** Point at `word` until `sight` is there: the text may still move. */
  async hover(text, word, sight) {
    await until('hover', async () => {
      const place = await this.place(text, word);
      await this.page.mouse.move(place.x, place.y - 1);
      await this.page.mouse.move(place.x, place.y);
      return sight.first().waitFor({ timeout: 1000 }).then(() => true, () => false);
    });
    return true;
  }

  /** Put the cursor at a line and column, from 1. */
  async go(line, column) {
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget input');
    await input.fill(`:${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  /** Run a command by its name in the palette, which closes again where a view that still opens takes the focus. */
  async run(name) {
    const input = this.page.locator('.quick-input-widget input');
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
    await until('the palette', async () => {
      await this.page.keyboard.press('F1');
      const filled = input.fill(`>${name}`, { timeout: 2000 }).then(() => row.waitFor({ timeout: 5000 }));
      return filled.then(() => true, () => false);
    });
    await this.page.keyboard.press('Enter');
  }

  picture(name) {
    return this.page.screenshot({ path: path.join(this.out, `${name}.png`) });
  }

  /** The ids of the language server's processes below code-server. */
  servers() {
    const parents = new Map();
    const found = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (command.includes('serve') && command.some((word) => /kfunc.lsp/.test(word))) {
          found.push(pid);
        }
      } catch {
        // It has ended in between.
      }
    }
    const below = (pid) => pid === this.server.pid || (parents.has(pid) && below(parents.get(pid)));
    return found.filter(below);
  }

  async stop() {
    await this.browser?.close();
    try {
      process.kill(-this.server.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  }
}
