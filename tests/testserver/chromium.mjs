// What the scripted persons in a real headless Chromium share: the browser, the watch for the callback, the account of
// what happened.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const { env } = process;
const require = createRequire(path.join(env.KEYFOB_TESTSERVER_DEPS, 'package.json'));
const { chromium } = require('playwright-core');

const log = (entry) => env.BROWSER_LOG && appendFileSync(env.BROWSER_LOG, `${JSON.stringify(entry)}\n`);

// Opens `start`, lets `act` do there what the person does, prints the page that it ended on, and ends the process.
export async function visit(start, act) {
  if (!start) throw new Error('usage: browser-chromium URL');
  const home = new URL(start).host;
  const profile = env.BROWSER_PROFILE ?? mkdtempSync(path.join(tmpdir(), 'browser-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: env.BROWSER_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    ignoreHTTPSErrors: true,
    ignoreDefaultArgs: ['--enable-automation'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-domain-reliability',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost , EXCLUDE [::1]'],
  });
  let outcome = { final: start, status: 0, text: '' };
  try {
    const page = browser.pages()[0] ?? await browser.newPage();
    page.setDefaultTimeout(15000);
    let status = 0;
    const isCallback = (url) => URL.canParse(url) && new URL(url).host !== home
      && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
    page.on('response', (response) => {
      if (response.frame() !== page.mainFrame() || response.request().resourceType() !== 'document') return;
      if (!isCallback(page.url()) || isCallback(response.url())) status = response.status();
      log({ url: response.url(), status: response.status() });
    });
    const first = await page.goto(start, { waitUntil: 'load' }).catch((error) => log({ failed: error.message.split('\n')[0] }));
    await act({ page, first, answer: env.BROWSER_ANSWER ?? 'allow', isCallback, log });
    await page.waitForLoadState('load').catch(() => undefined);
    outcome = { final: page.url(), status, text: (await page.locator('body').innerText().catch(() => '')).slice(0, 400) };
    if (env.BROWSER_SCREENSHOT) await page.screenshot({ path: env.BROWSER_SCREENSHOT });
  } finally {
    await browser.close();
    if (!env.BROWSER_PROFILE) rmSync(profile, { recursive: true, force: true });
  }
  log(outcome);
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
  process.exit(outcome.status >= 400 ? 1 : 0);
}
