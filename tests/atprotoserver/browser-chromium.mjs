// A person at the sign-in pages of an AT Protocol server.
import { visit } from '../testserver/chromium.mjs';

const { env } = process;
const handle = env.BROWSER_USER ?? 'alice.test';
const password = env.BROWSER_PASSWORD ?? 'wonderland';

await visit(process.argv[2], async ({ page, first, answer, isCallback }) => {
  // A request that the server does not like has no form: it has a page that says so, or is sent back at once.
  if (answer === 'leave' || !first?.ok() || isCallback(page.url())) return;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const [signIn, decision] = [button('Sign in'), button(answer === 'deny' ? 'Deny access' : 'Authorize')];
  const [identifier, secret] = [page.locator('input[name=username]'), page.locator('input[type=password]')];

  // Without a login_hint, a page that also offers to create an account comes before the form.
  await signIn.waitFor();
  if (!await secret.isVisible()) await signIn.click();
  await secret.waitFor();
  // With one, the form is for that account alone.
  if (await identifier.isEditable()) await identifier.fill(handle);
  await secret.fill(password);
  await signIn.click();

  const refusal = page.getByRole('alert').filter({ hasText: 'Wrong identifier or password' });
  await decision.or(refusal).waitFor();
  if (await refusal.isVisible()) return;
  await decision.click({ noWaitAfter: true });
  await page.waitForURL((url) => isCallback(url.href));
});
