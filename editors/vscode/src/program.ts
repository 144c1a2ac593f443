// Which program is the server: what the person set, else `kfunc-lsp` on PATH, else the copy in this extension.
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';

/** How to run kfunc-lsp; `origin` says in words where it comes from. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly origin: string;
}

/** Nothing can be run; the message says why and what to do, `setting` is the one to look at. */
export class NoProgram extends Error {
  constructor(
    message: string,
    readonly setting: string,
  ) {
    super(message);
  }
}

const OLDEST = [3, 11] as const;
const PYTHONS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
const SAY_VERSION = 'import sys; print(*sys.version_info[:2])';
const PATIENCE = 10_000;

/**
 * Find the server. `server` and `python` are the settings, empty where they are not set; `bundled` gives the folder with
 * the extension's own copy, for the Python that is to run it. Rejects with `NoProgram`.
 */
export async function findProgram(
  server: string,
  python: string,
  bundled: (python: string) => Promise<string>,
): Promise<Program> {
  if (server) {
    const found = onPath(server);
    if (!found) {
      throw new NoProgram(`${server} cannot be run. Correct the setting, or empty it to use another copy.`, 'server.path');
    }
    return { command: found, args: [], env: process.env, origin: 'the setting server.path' };
  }
  const installed = onPath('kfunc-lsp');
  if (installed) {
    return { command: installed, args: [], env: process.env, origin: 'PATH' };
  }
  const interpreter = await findPython(python);
  let modules: string;
  try {
    modules = await bundled(interpreter);
  } catch (error) {
    throw new NoProgram(`the server that comes along cannot be unpacked: ${error}. Install one (pipx install kfunc-lsp).`, 'server.path');
  }
  // -P: a module of the workspace is not to be taken for one of ours.
  const args = ['-P', '-s', '-m', 'kfunc_lsp'];
  return { command: interpreter, args, env: { ...process.env, PYTHONPATH: modules }, origin: 'this extension' };
}

async function findPython(setting: string): Promise<string> {
  const old: string[] = [];
  for (const name of setting ? [setting] : PYTHONS) {
    const found = onPath(name);
    const version = found && (await versionOf(found));
    if (!found || !version) {
      continue;
    }
    if (version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1])) {
      return found;
    }
    old.push(`${found} is ${version.join('.')}`);
  }
  const wanted = `Python ${OLDEST.join('.')} or later is needed`;
  const had = old.length ? old.join(', ') : setting ? `${setting} cannot be run` : 'there is none on PATH';
  throw new NoProgram(`${wanted}: ${had}. Install one, or kfunc-lsp itself (pipx install kfunc-lsp).`, 'server.python');
}

async function versionOf(python: string): Promise<[number, number] | undefined> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-I', '-c', SAY_VERSION], { timeout: PATIENCE });
    const [major, minor] = stdout.trim().split(' ').map(Number);
    return Number.isInteger(major) && Number.isInteger(minor) ? [major!, minor!] : undefined;
  } catch {
    return undefined;
  }
}

/** The absolute path of a program, looked for in the absolute folders of PATH; `~/` is the home folder. */
function onPath(name: string): string | undefined {
  const home = process.env['HOME'] ?? process.env['USERPROFILE'] ?? '';
  const given = name.startsWith('~/') ? path.join(home, name.slice(2)) : name;
  const folders = path.isAbsolute(given) ? [''] : (process.env['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute);
  const endings = process.platform === 'win32' ? ['', '.exe'] : [''];
  return folders.flatMap((folder) => endings.map((ending) => path.join(folder, given + ending))).find(canRun);
}

function canRun(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
