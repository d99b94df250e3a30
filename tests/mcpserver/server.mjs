// An MCP server from the official SDK, protected by the SDK's own authorization server and bearer middleware, on a free
// port of loopback. Usage: node server.mjs DEPS
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'package.json'));
const load = (name) => import(pathToFileURL(require.resolve(name).replace('/dist/cjs/', '/dist/esm/')).href);
const sdk = '@modelcontextprotocol/sdk';
const [{ McpServer }, { StreamableHTTPServerTransport }, router, { requireBearerAuth }, { DemoInMemoryAuthProvider }, { default: express }] =
  await Promise.all([
    load(`${sdk}/server/mcp.js`),
    load(`${sdk}/server/streamableHttp.js`),
    load(`${sdk}/server/auth/router.js`),
    load(`${sdk}/server/auth/middleware/bearerAuth.js`),
    load(`${sdk}/examples/server/demoInMemoryOAuthProvider.js`),
    load('express'),
  ]);

process.stdin.on('end', () => process.exit(0)).resume();
const app = express();
const server = http.createServer(app).listen(0, '127.0.0.1', () => {
  const base = new URL(`http://127.0.0.1:${server.address().port}`);
  const resource = new URL('/mcp', base);
  // Tokens that were asked for without this very resource are refused.
  const provider = new DemoInMemoryAuthProvider((asked) => asked?.href === resource.href);
  const scopesSupported = ['mcp:tools'];
  app.use(router.mcpAuthRouter({ provider, issuerUrl: base, resourceServerUrl: resource, scopesSupported }));
  const resourceMetadataUrl = router.getOAuthProtectedResourceMetadataUrl(resource);
  app.use('/mcp', requireBearerAuth({ verifier: provider, requiredScopes: scopesSupported, resourceMetadataUrl }));
  app.post('/mcp', express.json(), async (request, response) => {
    const mcp = new McpServer({ name: 'keyfob-mcpserver', version: '1.0.0' });
    mcp.registerTool('greet', { description: 'Says hello' }, () => ({ content: [{ type: 'text', text: 'hello' }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on('close', () => { transport.close(); mcp.close(); });
    await mcp.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  process.stdout.write(`${JSON.stringify({ url: resource.href, issuer: base.href })}\n`);
});
