
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'keyfob' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'keyfob'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'keyfob' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Obtain a session')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Print a valid access token, refreshing it when needed')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a program with a token in its environment or in a file')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Send one authorised HTTP request')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List sessions')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Say whether a session is usable, until when, for what')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Renew a session now')
            [CompletionResult]::new('switch', 'switch', [CompletionResultType]::ParameterValue, 'Make a session the default of its provider')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Revoke and forget a session')
            [CompletionResult]::new('setup', 'setup', [CompletionResultType]::ParameterValue, 'Register your own client with a provider, step by step')
            [CompletionResult]::new('provider', 'provider', [CompletionResultType]::ParameterValue, 'See and edit what one can log in to')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check this machine and, with TARGET, the way to that provider')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'A guided first run against a built-in authorization server, nothing to register')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'keyfob;login' {
            [CompletionResult]::new('--grant', '--grant', [CompletionResultType]::ParameterName, 'How to obtain the tokens; see: keyfob provider grants')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'Ask for these scopes instead of the configured ones; +NAME adds one')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'Ask for a token for this resource; repeatable')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'Ask for a token for this audience, where the provider knows audiences')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send a further parameter with the authorization request; repeatable')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'Use this client')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Read the client secret from this file; - is standard input')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open the address with this command; %u stands for the address')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Listen for the redirect on this port')
            [CompletionResult]::new('--redirect-uri', '--redirect-uri', [CompletionResultType]::ParameterName, 'Use this redirect URI')
            [CompletionResult]::new('--complete', '--complete', [CompletionResultType]::ParameterName, 'Finish a login that was begun; ANSWER is the address of the page that the browser ended on, better given on standard input with -; a device code needs none')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'Show a code to enter in a browser on any machine; short for --grant device_code')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Print the address instead of opening it')
            [CompletionResult]::new('--qr', '--qr', [CompletionResultType]::ParameterName, 'Show the address as a QR code too')
            [CompletionResult]::new('--with-token', '--with-token', [CompletionResultType]::ParameterName, 'Read a token, or a token response as JSON, from standard input instead of asking the provider')
            [CompletionResult]::new('--default', '--default', [CompletionResultType]::ParameterName, 'Make the new session the default of its provider')
            [CompletionResult]::new('--begin', '--begin', [CompletionResultType]::ParameterName, 'Show the address or the code and return; a second call with --complete finishes the login')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;token' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'The form: raw, json, header, headers, curl, xoauth2 or oauthbearer')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'The request that a signed token (DPoP, OAuth 1.0a) is to be presented with, without a form in its body; with --format header, headers or curl')
            [CompletionResult]::new('--min-validity', '--min-validity', [CompletionResultType]::ParameterName, 'Refresh unless valid for at least this long [default: 60s]')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A token for these scopes only; the session keeps its own')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'A token for this resource only; repeatable')
            [CompletionResult]::new('--audience', '--audience', [CompletionResultType]::ParameterName, 'A token for this audience only, by token exchange')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file, readable by you alone, instead of stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file, readable by you alone, instead of stdout')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--id-token', '--id-token', [CompletionResultType]::ParameterName, 'The ID token instead of the access token')
            [CompletionResult]::new('--no-refresh', '--no-refresh', [CompletionResultType]::ParameterName, 'Only a token already stored and valid, else exit 4; no network')
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Start a login when one is needed and a terminal is there')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;exec' {
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Put the token into this variable; repeatable [default: the provider''s own variables, else ACCESS_TOKEN]')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Put the token into a private file, and its path into this variable; repeatable')
            [CompletionResult]::new('--min-validity', '--min-validity', [CompletionResultType]::ParameterName, 'Refresh unless valid for at least this long [default: 60s]')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'A token for these scopes only; the session keeps its own')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--id-token', '--id-token', [CompletionResultType]::ParameterName, 'The ID token instead of the access token')
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Start a login when one is needed and a terminal is there')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;request' {
            [CompletionResult]::new('-X', '-X ', [CompletionResultType]::ParameterName, 'The method [default: GET, with -d POST]')
            [CompletionResult]::new('--method', '--method', [CompletionResultType]::ParameterName, 'The method [default: GET, with -d POST]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header too; repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header too; repeatable')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'Send this body; @FILE reads it from a file, @- from standard input')
            [CompletionResult]::new('--data', '--data', [CompletionResultType]::ParameterName, 'Send this body; @FILE reads it from a file, @- from standard input')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the body to this file, readable by you alone, once it is complete')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the body to this file, readable by you alone, once it is complete')
            [CompletionResult]::new('--allow-host', '--allow-host', [CompletionResultType]::ParameterName, 'Let the token go to this host too; repeatable')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'Print the status and the headers of the answer before its body')
            [CompletionResult]::new('--include', '--include', [CompletionResultType]::ParameterName, 'Print the status and the headers of the answer before its body')
            [CompletionResult]::new('--fail', '--fail', [CompletionResultType]::ParameterName, 'Exit with 10 when the status is 400 or more')
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Start a login when one is needed and a terminal is there')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;list' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;status' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Ask the server whether it still accepts the token: introspection, else userinfo')
            [CompletionResult]::new('--claims', '--claims', [CompletionResultType]::ParameterName, 'Show the claims of the ID token, as they were verified at login')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;refresh' {
            [CompletionResult]::new('--expiring-within', '--expiring-within', [CompletionResultType]::ParameterName, 'Only what expires within this time')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every session')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;switch' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;logout' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--no-revoke', '--no-revoke', [CompletionResultType]::ParameterName, 'Only forget it here; no network')
            [CompletionResult]::new('--browser-session', '--browser-session', [CompletionResultType]::ParameterName, 'Also open the provider''s logout page, which ends the session that its own pages keep in the browser')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every session')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask before ending every session')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;setup' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Make an entry of this name instead of changing the provider''s own: a-z, 0-9 and -')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'The client that you registered; nothing is asked for then')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Its secret, to be put into the secret store; - is standard input')
            [CompletionResult]::new('--private-key-file', '--private-key-file', [CompletionResultType]::ParameterName, 'Its private key in PEM or JWK form, whose place is written down; - is standard input, from which it goes to the store')
            [CompletionResult]::new('--browser', '--browser', [CompletionResultType]::ParameterName, 'Open the registration page with this command; %u stands for the address')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--no-test', '--no-test', [CompletionResultType]::ParameterName, 'Write the client without asking the server whether it knows it')
            [CompletionResult]::new('--login', '--login', [CompletionResultType]::ParameterName, 'Log in afterwards')
            [CompletionResult]::new('--no-login', '--no-login', [CompletionResultType]::ParameterName, 'Do not log in afterwards, and do not ask')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Print the address of the registration page instead of opening it')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Replace the client that the provider has already')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Names, protocol, grants, and what is still needed')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The effective settings of a provider and where each comes from')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a provider to your own file')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a provider from your own file')
            [CompletionResult]::new('grants', 'grants', [CompletionResultType]::ParameterValue, 'The ways to obtain tokens, and what they need')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'keyfob;provider;list' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider;show' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--toml', '--toml', [CompletionResultType]::ParameterName, 'As TOML, fit to hand to colleagues, without secrets')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider;add' {
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'The issuer of an OpenID Connect or OAuth 2.0 server that publishes its metadata')
            [CompletionResult]::new('--extends', '--extends', [CompletionResultType]::ParameterName, 'Start from this provider')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'Your client')
            [CompletionResult]::new('--client-secret-file', '--client-secret-file', [CompletionResultType]::ParameterName, 'Put the client secret in this file into the secret store; - is standard input')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Take the entries of this file, such as `provider show --toml` prints; - is standard input')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider;remove' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Delete the clients that keyfob registered there without asking')
            [CompletionResult]::new('--keep-client', '--keep-client', [CompletionResultType]::ParameterName, 'Leave the clients that keyfob registered there with the server')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider;grants' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;provider;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Names, protocol, grants, and what is still needed')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The effective settings of a provider and where each comes from')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a provider to your own file')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a provider from your own file')
            [CompletionResult]::new('grants', 'grants', [CompletionResultType]::ParameterValue, 'The ways to obtain tokens, and what they need')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'keyfob;provider;help;list' {
            break
        }
        'keyfob;provider;help;show' {
            break
        }
        'keyfob;provider;help;add' {
            break
        }
        'keyfob;provider;help;remove' {
            break
        }
        'keyfob;provider;help;grants' {
            break
        }
        'keyfob;provider;help;help' {
            break
        }
        'keyfob;doctor' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Print Markdown without secrets, to paste into an issue')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;completions' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;demo' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour messages')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for a person (5m) or one network request (30s)')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Use this config.toml')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Override one key of the provider''s entry for this call')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Narrate each step of the flow on stderr')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Leave the session and the server running until Ctrl-C, to try the other commands on `demo`')
            [CompletionResult]::new('--no-browser', '--no-browser', [CompletionResultType]::ParameterName, 'Play the person at the browser too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Machine output on stdout, JSON errors on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No messages but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what is done; twice: HTTP requests and answers, secrets redacted')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never prompt; implied when stdin is no terminal or CI is true')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'ASCII symbols, no spinner, no colour, one fact per line')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'keyfob;help' {
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Obtain a session')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Print a valid access token, refreshing it when needed')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run a program with a token in its environment or in a file')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Send one authorised HTTP request')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List sessions')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Say whether a session is usable, until when, for what')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Renew a session now')
            [CompletionResult]::new('switch', 'switch', [CompletionResultType]::ParameterValue, 'Make a session the default of its provider')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Revoke and forget a session')
            [CompletionResult]::new('setup', 'setup', [CompletionResultType]::ParameterValue, 'Register your own client with a provider, step by step')
            [CompletionResult]::new('provider', 'provider', [CompletionResultType]::ParameterValue, 'See and edit what one can log in to')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check this machine and, with TARGET, the way to that provider')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'A guided first run against a built-in authorization server, nothing to register')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'keyfob;help;login' {
            break
        }
        'keyfob;help;token' {
            break
        }
        'keyfob;help;exec' {
            break
        }
        'keyfob;help;request' {
            break
        }
        'keyfob;help;list' {
            break
        }
        'keyfob;help;status' {
            break
        }
        'keyfob;help;refresh' {
            break
        }
        'keyfob;help;switch' {
            break
        }
        'keyfob;help;logout' {
            break
        }
        'keyfob;help;setup' {
            break
        }
        'keyfob;help;provider' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Names, protocol, grants, and what is still needed')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'The effective settings of a provider and where each comes from')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a provider to your own file')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a provider from your own file')
            [CompletionResult]::new('grants', 'grants', [CompletionResultType]::ParameterValue, 'The ways to obtain tokens, and what they need')
            break
        }
        'keyfob;help;provider;list' {
            break
        }
        'keyfob;help;provider;show' {
            break
        }
        'keyfob;help;provider;add' {
            break
        }
        'keyfob;help;provider;remove' {
            break
        }
        'keyfob;help;provider;grants' {
            break
        }
        'keyfob;help;doctor' {
            break
        }
        'keyfob;help;completions' {
            break
        }
        'keyfob;help;demo' {
            break
        }
        'keyfob;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
