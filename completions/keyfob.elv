
use builtin;
use str;

set edit:completion:arg-completer[keyfob] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'keyfob'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'keyfob'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand login 'Obtain a session'
            cand token 'Print a valid access token, refreshing it when needed'
            cand exec 'Run a program with a token in its environment or in a file'
            cand request 'Send one authorised HTTP request'
            cand list 'List sessions'
            cand status 'Say whether a session is usable, until when, for what'
            cand refresh 'Renew a session now'
            cand switch 'Make a session the default of its provider'
            cand logout 'Revoke and forget a session'
            cand setup 'Register your own client with a provider, step by step'
            cand provider 'See and edit what one can log in to'
            cand doctor 'Check this machine and, with TARGET, the way to that provider'
            cand completions 'Print a completion script'
            cand demo 'A guided first run against a built-in authorization server, nothing to register'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'keyfob;login'= {
            cand --grant 'How to obtain the tokens; see: keyfob provider grants'
            cand --scope 'Ask for these scopes instead of the configured ones; +NAME adds one'
            cand --resource 'Ask for a token for this resource; repeatable'
            cand --audience 'Ask for a token for this audience, where the provider knows audiences'
            cand --param 'Send a further parameter with the authorization request; repeatable'
            cand --client-id 'Use this client'
            cand --client-secret-file 'Read the client secret from this file; - is standard input'
            cand --browser 'Open the address with this command; %u stands for the address'
            cand --port 'Listen for the redirect on this port'
            cand --redirect-uri 'Use this redirect URI'
            cand --complete 'Finish a login that was begun; ANSWER is the address of the page that the browser ended on, better given on standard input with -; a device code needs none'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --device 'Show a code to enter in a browser on any machine; short for --grant device_code'
            cand --no-browser 'Print the address instead of opening it'
            cand --qr 'Show the address as a QR code too'
            cand --with-token 'Read a token, or a token response as JSON, from standard input instead of asking the provider'
            cand --default 'Make the new session the default of its provider'
            cand --begin 'Show the address or the code and return; a second call with --complete finishes the login'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;token'= {
            cand --format 'The form: raw, json, header, headers, curl, xoauth2 or oauthbearer'
            cand --for 'The request that a signed token (DPoP, OAuth 1.0a) is to be presented with, without a form in its body; with --format header, headers or curl'
            cand --min-validity 'Refresh unless valid for at least this long [default: 60s]'
            cand --scope 'A token for these scopes only; the session keeps its own'
            cand --resource 'A token for this resource only; repeatable'
            cand --audience 'A token for this audience only, by token exchange'
            cand -o 'Write to this file, readable by you alone, instead of stdout'
            cand --output 'Write to this file, readable by you alone, instead of stdout'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --id-token 'The ID token instead of the access token'
            cand --no-refresh 'Only a token already stored and valid, else exit 4; no network'
            cand --login 'Start a login when one is needed and a terminal is there'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;exec'= {
            cand --env 'Put the token into this variable; repeatable [default: the provider''s own variables, else ACCESS_TOKEN]'
            cand --file 'Put the token into a private file, and its path into this variable; repeatable'
            cand --min-validity 'Refresh unless valid for at least this long [default: 60s]'
            cand --scope 'A token for these scopes only; the session keeps its own'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --id-token 'The ID token instead of the access token'
            cand --login 'Start a login when one is needed and a terminal is there'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;request'= {
            cand -X 'The method [default: GET, with -d POST]'
            cand --method 'The method [default: GET, with -d POST]'
            cand -H 'Send this header too; repeatable'
            cand --header 'Send this header too; repeatable'
            cand -d 'Send this body; @FILE reads it from a file, @- from standard input'
            cand --data 'Send this body; @FILE reads it from a file, @- from standard input'
            cand -o 'Write the body to this file, readable by you alone, once it is complete'
            cand --output 'Write the body to this file, readable by you alone, once it is complete'
            cand --allow-host 'Let the token go to this host too; repeatable'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand -i 'Print the status and the headers of the answer before its body'
            cand --include 'Print the status and the headers of the answer before its body'
            cand --fail 'Exit with 10 when the status is 400 or more'
            cand --login 'Start a login when one is needed and a terminal is there'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;list'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;status'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --check 'Ask the server whether it still accepts the token: introspection, else userinfo'
            cand --claims 'Show the claims of the ID token, as they were verified at login'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;refresh'= {
            cand --expiring-within 'Only what expires within this time'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --all 'Every session'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;switch'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;logout'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --no-revoke 'Only forget it here; no network'
            cand --browser-session 'Also open the provider''s logout page, which ends the session that its own pages keep in the browser'
            cand --all 'Every session'
            cand --yes 'Do not ask before ending every session'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;setup'= {
            cand --name 'Make an entry of this name instead of changing the provider''s own: a-z, 0-9 and -'
            cand --client-id 'The client that you registered; nothing is asked for then'
            cand --client-secret-file 'Its secret, to be put into the secret store; - is standard input'
            cand --private-key-file 'Its private key in PEM or JWK form, whose place is written down; - is standard input, from which it goes to the store'
            cand --browser 'Open the registration page with this command; %u stands for the address'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --no-test 'Write the client without asking the server whether it knows it'
            cand --login 'Log in afterwards'
            cand --no-login 'Do not log in afterwards, and do not ask'
            cand --no-browser 'Print the address of the registration page instead of opening it'
            cand --yes 'Replace the client that the provider has already'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'Names, protocol, grants, and what is still needed'
            cand show 'The effective settings of a provider and where each comes from'
            cand add 'Add a provider to your own file'
            cand remove 'Remove a provider from your own file'
            cand grants 'The ways to obtain tokens, and what they need'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'keyfob;provider;list'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider;show'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --toml 'As TOML, fit to hand to colleagues, without secrets'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider;add'= {
            cand --issuer 'The issuer of an OpenID Connect or OAuth 2.0 server that publishes its metadata'
            cand --extends 'Start from this provider'
            cand --client-id 'Your client'
            cand --client-secret-file 'Put the client secret in this file into the secret store; - is standard input'
            cand --from 'Take the entries of this file, such as `provider show --toml` prints; - is standard input'
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider;remove'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --yes 'Delete the clients that keyfob registered there without asking'
            cand --keep-client 'Leave the clients that keyfob registered there with the server'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider;grants'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;provider;help'= {
            cand list 'Names, protocol, grants, and what is still needed'
            cand show 'The effective settings of a provider and where each comes from'
            cand add 'Add a provider to your own file'
            cand remove 'Remove a provider from your own file'
            cand grants 'The ways to obtain tokens, and what they need'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'keyfob;provider;help;list'= {
        }
        &'keyfob;provider;help;show'= {
        }
        &'keyfob;provider;help;add'= {
        }
        &'keyfob;provider;help;remove'= {
        }
        &'keyfob;provider;help;grants'= {
        }
        &'keyfob;provider;help;help'= {
        }
        &'keyfob;doctor'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --report 'Print Markdown without secrets, to paste into an issue'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;completions'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;demo'= {
            cand --color 'When to colour messages'
            cand --timeout 'How long to wait for a person (5m) or one network request (30s)'
            cand --config 'Use this config.toml'
            cand --set 'Override one key of the provider''s entry for this call'
            cand --explain 'Narrate each step of the flow on stderr'
            cand --keep 'Leave the session and the server running until Ctrl-C, to try the other commands on `demo`'
            cand --no-browser 'Play the person at the browser too'
            cand --json 'Machine output on stdout, JSON errors on stderr'
            cand -q 'No messages but errors'
            cand --quiet 'No messages but errors'
            cand -v 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --verbose 'Say what is done; twice: HTTP requests and answers, secrets redacted'
            cand --no-input 'Never prompt; implied when stdin is no terminal or CI is true'
            cand --plain 'ASCII symbols, no spinner, no colour, one fact per line'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'keyfob;help'= {
            cand login 'Obtain a session'
            cand token 'Print a valid access token, refreshing it when needed'
            cand exec 'Run a program with a token in its environment or in a file'
            cand request 'Send one authorised HTTP request'
            cand list 'List sessions'
            cand status 'Say whether a session is usable, until when, for what'
            cand refresh 'Renew a session now'
            cand switch 'Make a session the default of its provider'
            cand logout 'Revoke and forget a session'
            cand setup 'Register your own client with a provider, step by step'
            cand provider 'See and edit what one can log in to'
            cand doctor 'Check this machine and, with TARGET, the way to that provider'
            cand completions 'Print a completion script'
            cand demo 'A guided first run against a built-in authorization server, nothing to register'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'keyfob;help;login'= {
        }
        &'keyfob;help;token'= {
        }
        &'keyfob;help;exec'= {
        }
        &'keyfob;help;request'= {
        }
        &'keyfob;help;list'= {
        }
        &'keyfob;help;status'= {
        }
        &'keyfob;help;refresh'= {
        }
        &'keyfob;help;switch'= {
        }
        &'keyfob;help;logout'= {
        }
        &'keyfob;help;setup'= {
        }
        &'keyfob;help;provider'= {
            cand list 'Names, protocol, grants, and what is still needed'
            cand show 'The effective settings of a provider and where each comes from'
            cand add 'Add a provider to your own file'
            cand remove 'Remove a provider from your own file'
            cand grants 'The ways to obtain tokens, and what they need'
        }
        &'keyfob;help;provider;list'= {
        }
        &'keyfob;help;provider;show'= {
        }
        &'keyfob;help;provider;add'= {
        }
        &'keyfob;help;provider;remove'= {
        }
        &'keyfob;help;provider;grants'= {
        }
        &'keyfob;help;doctor'= {
        }
        &'keyfob;help;completions'= {
        }
        &'keyfob;help;demo'= {
        }
        &'keyfob;help;help'= {
        }
    ]
    $completions[$command]
}
