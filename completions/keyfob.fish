# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyfob_global_optspecs
    string join \n json q/quiet v/verbose no-input color= plain timeout= config= set= explain= h/help V/version
end

function __fish_keyfob_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyfob_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyfob_using_subcommand
    set -l cmd (__fish_keyfob_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyfob -n "__fish_keyfob_needs_command" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_needs_command" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_needs_command" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_needs_command" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_needs_command" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_needs_command" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_needs_command" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_needs_command" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_needs_command" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_needs_command" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_needs_command" -s V -l version -d 'Print version'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "login" -d 'Obtain a session'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "token" -d 'Print a valid access token, refreshing it when needed'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "exec" -d 'Run a program with a token in its environment or in a file'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "request" -d 'Send one authorised HTTP request'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "list" -d 'List sessions'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "status" -d 'Say whether a session is usable, until when, for what'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "refresh" -d 'Renew a session now'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "switch" -d 'Make a session the default of its provider'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "logout" -d 'Revoke and forget a session'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "setup" -d 'Register your own client with a provider, step by step'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "provider" -d 'See and edit what one can log in to'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "doctor" -d 'Check this machine and, with TARGET, the way to that provider'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "completions" -d 'Print a completion script'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "demo" -d 'A guided first run against a built-in authorization server, nothing to register'
complete -c keyfob -n "__fish_keyfob_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l grant -d 'How to obtain the tokens; see: keyfob provider grants' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l scope -d 'Ask for these scopes instead of the configured ones; +NAME adds one' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l resource -d 'Ask for a token for this resource; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l audience -d 'Ask for a token for this audience, where the provider knows audiences' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l param -d 'Send a further parameter with the authorization request; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l client-id -d 'Use this client' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l client-secret-file -d 'Read the client secret from this file; - is standard input' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l browser -d 'Open the address with this command; %u stands for the address' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l port -d 'Listen for the redirect on this port' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l redirect-uri -d 'Use this redirect URI' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l complete -d 'Finish a login that was begun; ANSWER is the address of the page that the browser ended on, better given on standard input with -; a device code needs none' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l device -d 'Show a code to enter in a browser on any machine; short for --grant device_code'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l no-browser -d 'Print the address instead of opening it'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l qr -d 'Show the address as a QR code too'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l with-token -d 'Read a token, or a token response as JSON, from standard input instead of asking the provider'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l default -d 'Make the new session the default of its provider'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l begin -d 'Show the address or the code and return; a second call with --complete finishes the login'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l format -d 'The form: raw, json, header, headers, curl, xoauth2 or oauthbearer' -r -f -a "raw\t''
json\t''
header\t''
headers\t''
curl\t''
xoauth2\t''
oauthbearer\t''"
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l for -d 'The request that a signed token (DPoP, OAuth 1.0a) is to be presented with, without a form in its body; with --format header, headers or curl' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l min-validity -d 'Refresh unless valid for at least this long [default: 60s]' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l scope -d 'A token for these scopes only; the session keeps its own' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l resource -d 'A token for this resource only; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l audience -d 'A token for this audience only, by token exchange' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -s o -l output -d 'Write to this file, readable by you alone, instead of stdout' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l id-token -d 'The ID token instead of the access token'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l no-refresh -d 'Only a token already stored and valid, else exit 4; no network'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l login -d 'Start a login when one is needed and a terminal is there'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l env -d 'Put the token into this variable; repeatable [default: the provider\'s own variables, else ACCESS_TOKEN]' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l file -d 'Put the token into a private file, and its path into this variable; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l min-validity -d 'Refresh unless valid for at least this long [default: 60s]' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l scope -d 'A token for these scopes only; the session keeps its own' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l id-token -d 'The ID token instead of the access token'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l login -d 'Start a login when one is needed and a terminal is there'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s X -l method -d 'The method [default: GET, with -d POST]' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s H -l header -d 'Send this header too; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s d -l data -d 'Send this body; @FILE reads it from a file, @- from standard input' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s o -l output -d 'Write the body to this file, readable by you alone, once it is complete' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l allow-host -d 'Let the token go to this host too; repeatable' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s i -l include -d 'Print the status and the headers of the answer before its body'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l fail -d 'Exit with 10 when the status is 400 or more'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l login -d 'Start a login when one is needed and a terminal is there'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand request" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l check -d 'Ask the server whether it still accepts the token: introspection, else userinfo'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l claims -d 'Show the claims of the ID token, as they were verified at login'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l expiring-within -d 'Only what expires within this time' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l all -d 'Every session'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand refresh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand switch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l no-revoke -d 'Only forget it here; no network'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l browser-session -d 'Also open the provider\'s logout page, which ends the session that its own pages keep in the browser'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l all -d 'Every session'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l yes -d 'Do not ask before ending every session'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l name -d 'Make an entry of this name instead of changing the provider\'s own: a-z, 0-9 and -' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l client-id -d 'The client that you registered; nothing is asked for then' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l client-secret-file -d 'Its secret, to be put into the secret store; - is standard input' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l private-key-file -d 'Its private key in PEM or JWK form, whose place is written down; - is standard input, from which it goes to the store' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l browser -d 'Open the registration page with this command; %u stands for the address' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l no-test -d 'Write the client without asking the server whether it knows it'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l login -d 'Log in afterwards'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l no-login -d 'Do not log in afterwards, and do not ask'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l no-browser -d 'Print the address of the registration page instead of opening it'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l yes -d 'Replace the client that the provider has already'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "list" -d 'Names, protocol, grants, and what is still needed'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "show" -d 'The effective settings of a provider and where each comes from'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "add" -d 'Add a provider to your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "remove" -d 'Remove a provider from your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "grants" -d 'The ways to obtain tokens, and what they need'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and not __fish_seen_subcommand_from list show add remove grants help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l toml -d 'As TOML, fit to hand to colleagues, without secrets'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l issuer -d 'The issuer of an OpenID Connect or OAuth 2.0 server that publishes its metadata' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l extends -d 'Start from this provider' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l client-id -d 'Your client' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l client-secret-file -d 'Put the client secret in this file into the secret store; - is standard input' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l from -d 'Take the entries of this file, such as `provider show --toml` prints; - is standard input' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l yes -d 'Delete the clients that keyfob registered there without asking'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l keep-client -d 'Leave the clients that keyfob registered there with the server'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from grants" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "list" -d 'Names, protocol, grants, and what is still needed'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "show" -d 'The effective settings of a provider and where each comes from'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a provider to your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a provider from your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "grants" -d 'The ways to obtain tokens, and what they need'
complete -c keyfob -n "__fish_keyfob_using_subcommand provider; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l report -d 'Print Markdown without secrets, to paste into an issue'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l color -d 'When to colour messages' -r -f -a "auto\t'On a terminal, unless the environment says otherwise'
always\t'Always'
never\t'Never'"
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l timeout -d 'How long to wait for a person (5m) or one network request (30s)' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l config -d 'Use this config.toml' -r -F
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l set -d 'Override one key of the provider\'s entry for this call' -r
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l explain -d 'Narrate each step of the flow on stderr' -r -f -a "text\t'For reading along'
markdown\t'A document'
mermaid\t'A sequence diagram'"
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l keep -d 'Leave the session and the server running until Ctrl-C, to try the other commands on `demo`'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l no-browser -d 'Play the person at the browser too'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l json -d 'Machine output on stdout, JSON errors on stderr'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -s q -l quiet -d 'No messages but errors'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -s v -l verbose -d 'Say what is done; twice: HTTP requests and answers, secrets redacted'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l no-input -d 'Never prompt; implied when stdin is no terminal or CI is true'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -l plain -d 'ASCII symbols, no spinner, no colour, one fact per line'
complete -c keyfob -n "__fish_keyfob_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "login" -d 'Obtain a session'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "token" -d 'Print a valid access token, refreshing it when needed'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "exec" -d 'Run a program with a token in its environment or in a file'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "request" -d 'Send one authorised HTTP request'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "list" -d 'List sessions'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "status" -d 'Say whether a session is usable, until when, for what'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "refresh" -d 'Renew a session now'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "switch" -d 'Make a session the default of its provider'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "logout" -d 'Revoke and forget a session'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "setup" -d 'Register your own client with a provider, step by step'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "provider" -d 'See and edit what one can log in to'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "doctor" -d 'Check this machine and, with TARGET, the way to that provider'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "completions" -d 'Print a completion script'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "demo" -d 'A guided first run against a built-in authorization server, nothing to register'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and not __fish_seen_subcommand_from login token exec request list status refresh switch logout setup provider doctor completions demo help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "list" -d 'Names, protocol, grants, and what is still needed'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "show" -d 'The effective settings of a provider and where each comes from'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "add" -d 'Add a provider to your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "remove" -d 'Remove a provider from your own file'
complete -c keyfob -n "__fish_keyfob_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "grants" -d 'The ways to obtain tokens, and what they need'
