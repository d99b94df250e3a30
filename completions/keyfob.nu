module completions {

  def "nu-complete keyfob color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Log in to OAuth and OpenID Connect services, keep the tokens in the system keyring, hand them to whatever needs them
  export extern keyfob [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete keyfob login color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob login explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Obtain a session
  export extern "keyfob login" [
    --grant: string           # How to obtain the tokens; see: keyfob provider grants
    --device                  # Show a code to enter in a browser on any machine; short for --grant device_code
    --scope: string           # Ask for these scopes instead of the configured ones; +NAME adds one
    --resource: string        # Ask for a token for this resource; repeatable
    --audience: string        # Ask for a token for this audience, where the provider knows audiences
    --param: string           # Send a further parameter with the authorization request; repeatable
    --client-id: string       # Use this client
    --client-secret-file: path # Read the client secret from this file; - is standard input
    --browser: string         # Open the address with this command; %u stands for the address
    --no-browser              # Print the address instead of opening it
    --port: string            # Listen for the redirect on this port
    --redirect-uri: string    # Use this redirect URI
    --qr                      # Show the address as a QR code too
    --with-token              # Read a token, or a token response as JSON, from standard input instead of asking the provider
    --default                 # Make the new session the default of its provider
    --begin                   # Show the address or the code and return; a second call with --complete finishes the login
    --complete: string        # Finish a login that was begun; ANSWER is the address of the page that the browser ended on, better given on standard input with -; a device code needs none
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob login color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob login explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, PROVIDER/ACCOUNT to force the session's name, the address of a resource, an issuer or a person's page, or an AT Protocol handle (@alice.bsky.social)
  ]

  def "nu-complete keyfob token format" [] {
    [ "raw" "json" "header" "headers" "curl" "xoauth2" "oauthbearer" ]
  }

  def "nu-complete keyfob token color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob token explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Print a valid access token, refreshing it when needed
  export extern "keyfob token" [
    --format: string@"nu-complete keyfob token format" # The form: raw, json, header, headers, curl, xoauth2 or oauthbearer
    --id-token                # The ID token instead of the access token
    --for: string             # The request that a signed token (DPoP, OAuth 1.0a) is to be presented with, without a form in its body; with --format header, headers or curl
    --min-validity: string    # Refresh unless valid for at least this long [default: 60s]
    --scope: string           # A token for these scopes only; the session keeps its own
    --resource: string        # A token for this resource only; repeatable
    --audience: string        # A token for this audience only, by token exchange
    --no-refresh              # Only a token already stored and valid, else exit 4; no network
    --login                   # Start a login when one is needed and a terminal is there
    --output(-o): path        # Write to this file, readable by you alone, instead of stdout
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob token color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob token explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session or address
  ]

  def "nu-complete keyfob exec color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob exec explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Run a program with a token in its environment or in a file
  export extern "keyfob exec" [
    --env: string             # Put the token into this variable; repeatable [default: the provider's own variables, else ACCESS_TOKEN]
    --file: string            # Put the token into a private file, and its path into this variable; repeatable
    --id-token                # The ID token instead of the access token
    --min-validity: string    # Refresh unless valid for at least this long [default: 60s]
    --scope: string           # A token for these scopes only; the session keeps its own
    --login                   # Start a login when one is needed and a terminal is there
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob exec color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob exec explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session or address
  ]

  def "nu-complete keyfob request color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob request explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Send one authorised HTTP request
  export extern "keyfob request" [
    --method(-X): string      # The method [default: GET, with -d POST]
    --header(-H): string      # Send this header too; repeatable
    --data(-d): string        # Send this body; @FILE reads it from a file, @- from standard input
    --include(-i)             # Print the status and the headers of the answer before its body
    --output(-o): path        # Write the body to this file, readable by you alone, once it is complete
    --fail                    # Exit with 10 when the status is 400 or more
    --allow-host: string      # Let the token go to this host too; repeatable
    --login                   # Start a login when one is needed and a terminal is there
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob request color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob request explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider or session; left out, the session that covers the address
    url: string               # Where the request goes
  ]

  def "nu-complete keyfob list color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob list explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # List sessions
  export extern "keyfob list" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob list color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob list explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete keyfob status color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob status explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Say whether a session is usable, until when, for what
  export extern "keyfob status" [
    --check                   # Ask the server whether it still accepts the token: introspection, else userinfo
    --claims                  # Show the claims of the ID token, as they were verified at login
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob status color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob status explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session or address
  ]

  def "nu-complete keyfob refresh color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob refresh explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Renew a session now
  export extern "keyfob refresh" [
    --all                     # Every session
    --expiring-within: string # Only what expires within this time
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob refresh color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob refresh explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session or address
  ]

  def "nu-complete keyfob switch color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob switch explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Make a session the default of its provider
  export extern "keyfob switch" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob switch color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob switch explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target: string            # The session to use when only its provider is named
  ]

  def "nu-complete keyfob logout color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob logout explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Revoke and forget a session
  export extern "keyfob logout" [
    --no-revoke               # Only forget it here; no network
    --browser-session         # Also open the provider's logout page, which ends the session that its own pages keep in the browser
    --all                     # Every session
    --yes                     # Do not ask before ending every session
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob logout color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob logout explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session or address
  ]

  def "nu-complete keyfob setup color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob setup explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Register your own client with a provider, step by step
  export extern "keyfob setup" [
    --name: string            # Make an entry of this name instead of changing the provider's own: a-z, 0-9 and -
    --client-id: string       # The client that you registered; nothing is asked for then
    --client-secret-file: path # Its secret, to be put into the secret store; - is standard input
    --private-key-file: path  # Its private key in PEM or JWK form, whose place is written down; - is standard input, from which it goes to the store
    --no-test                 # Write the client without asking the server whether it knows it
    --login                   # Log in afterwards
    --no-login                # Do not log in afterwards, and do not ask
    --browser: string         # Open the registration page with this command; %u stands for the address
    --no-browser              # Print the address of the registration page instead of opening it
    --yes                     # Replace the client that the provider has already
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob setup color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob setup explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    provider: string          # The provider, or the address of an issuer that the registry does not have
  ]

  def "nu-complete keyfob provider color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # See and edit what one can log in to
  export extern "keyfob provider" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete keyfob provider list color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider list explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Names, protocol, grants, and what is still needed
  export extern "keyfob provider list" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider list color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider list explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    word?: string             # Only names that contain this
  ]

  def "nu-complete keyfob provider show color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider show explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # The effective settings of a provider and where each comes from
  export extern "keyfob provider show" [
    --toml                    # As TOML, fit to hand to colleagues, without secrets
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider show color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider show explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    name: string              # The provider
  ]

  def "nu-complete keyfob provider add color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider add explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Add a provider to your own file
  export extern "keyfob provider add" [
    --issuer: string          # The issuer of an OpenID Connect or OAuth 2.0 server that publishes its metadata
    --extends: string         # Start from this provider
    --client-id: string       # Your client
    --client-secret-file: path # Put the client secret in this file into the secret store; - is standard input
    --from: path              # Take the entries of this file, such as `provider show --toml` prints; - is standard input
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider add color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider add explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    name?: string             # The new provider's name: a-z, 0-9 and -
  ]

  def "nu-complete keyfob provider remove color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider remove explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Remove a provider from your own file
  export extern "keyfob provider remove" [
    --yes                     # Delete the clients that keyfob registered there without asking
    --keep-client             # Leave the clients that keyfob registered there with the server
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider remove color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider remove explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    name: string              # The provider
  ]

  def "nu-complete keyfob provider grants color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob provider grants explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # The ways to obtain tokens, and what they need
  export extern "keyfob provider grants" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob provider grants color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob provider grants explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "keyfob provider help" [
  ]

  # Names, protocol, grants, and what is still needed
  export extern "keyfob provider help list" [
  ]

  # The effective settings of a provider and where each comes from
  export extern "keyfob provider help show" [
  ]

  # Add a provider to your own file
  export extern "keyfob provider help add" [
  ]

  # Remove a provider from your own file
  export extern "keyfob provider help remove" [
  ]

  # The ways to obtain tokens, and what they need
  export extern "keyfob provider help grants" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "keyfob provider help help" [
  ]

  def "nu-complete keyfob doctor color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob doctor explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Check this machine and, with TARGET, the way to that provider
  export extern "keyfob doctor" [
    --report                  # Print Markdown without secrets, to paste into an issue
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob doctor color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob doctor explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    target?: string           # Provider, session, account (@HANDLE), or the address of a server, a resource or a page, which need no entry
  ]

  def "nu-complete keyfob completions shell" [] {
    [ "bash" "zsh" "fish" "elvish" "powershell" "nushell" ]
  }

  def "nu-complete keyfob completions color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob completions explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # Print a completion script
  export extern "keyfob completions" [
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob completions color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob completions explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
    shell: string@"nu-complete keyfob completions shell" # The shell to print a script for
  ]

  def "nu-complete keyfob demo color" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete keyfob demo explain" [] {
    [ "text" "markdown" "mermaid" ]
  }

  # A guided first run against a built-in authorization server, nothing to register
  export extern "keyfob demo" [
    --keep                    # Leave the session and the server running until Ctrl-C, to try the other commands on `demo`
    --no-browser              # Play the person at the browser too
    --json                    # Machine output on stdout, JSON errors on stderr
    --quiet(-q)               # No messages but errors
    --verbose(-v)             # Say what is done; twice: HTTP requests and answers, secrets redacted
    --no-input                # Never prompt; implied when stdin is no terminal or CI is true
    --color: string@"nu-complete keyfob demo color" # When to colour messages
    --plain                   # ASCII symbols, no spinner, no colour, one fact per line
    --timeout: string         # How long to wait for a person (5m) or one network request (30s)
    --config: path            # Use this config.toml
    --set: string             # Override one key of the provider's entry for this call
    --explain: string@"nu-complete keyfob demo explain" # Narrate each step of the flow on stderr
    --help(-h)                # Print help (see more with '--help')
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "keyfob help" [
  ]

  # Obtain a session
  export extern "keyfob help login" [
  ]

  # Print a valid access token, refreshing it when needed
  export extern "keyfob help token" [
  ]

  # Run a program with a token in its environment or in a file
  export extern "keyfob help exec" [
  ]

  # Send one authorised HTTP request
  export extern "keyfob help request" [
  ]

  # List sessions
  export extern "keyfob help list" [
  ]

  # Say whether a session is usable, until when, for what
  export extern "keyfob help status" [
  ]

  # Renew a session now
  export extern "keyfob help refresh" [
  ]

  # Make a session the default of its provider
  export extern "keyfob help switch" [
  ]

  # Revoke and forget a session
  export extern "keyfob help logout" [
  ]

  # Register your own client with a provider, step by step
  export extern "keyfob help setup" [
  ]

  # See and edit what one can log in to
  export extern "keyfob help provider" [
  ]

  # Names, protocol, grants, and what is still needed
  export extern "keyfob help provider list" [
  ]

  # The effective settings of a provider and where each comes from
  export extern "keyfob help provider show" [
  ]

  # Add a provider to your own file
  export extern "keyfob help provider add" [
  ]

  # Remove a provider from your own file
  export extern "keyfob help provider remove" [
  ]

  # The ways to obtain tokens, and what they need
  export extern "keyfob help provider grants" [
  ]

  # Check this machine and, with TARGET, the way to that provider
  export extern "keyfob help doctor" [
  ]

  # Print a completion script
  export extern "keyfob help completions" [
  ]

  # A guided first run against a built-in authorization server, nothing to register
  export extern "keyfob help demo" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "keyfob help help" [
  ]

}

export use completions *
