use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::edit::Editor;
use super::provider::Endpoint;
use super::words::{ClientAuth, Loopback, Protocol};
use super::{Definition, Error, Origin, Problem, Registry, SecretSource, Value, Warning};
use crate::system::Environment;

/// A machine with a system-wide and a user's registry.
struct Machine {
    home: tempfile::TempDir,
}

impl Machine {
    fn new(user: &str) -> Self {
        let machine = Self { home: tempfile::tempdir().unwrap() };
        machine.write("user", user);
        machine
    }

    fn file(&self, layer: &str) -> PathBuf {
        self.home.path().join(layer).join("keyfob/providers.toml")
    }

    fn write(&self, layer: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.file(layer).parent().unwrap()).unwrap();
        fs::write(self.file(layer), text).unwrap();
        fs::set_permissions(self.file(layer), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn environment(&self) -> Environment {
        let path = |layer: &str| self.home.path().join(layer).to_str().unwrap().to_owned();
        Environment::given([("XDG_CONFIG_HOME", path("user").as_str()), ("XDG_CONFIG_DIRS", path("system").as_str())])
    }

    fn registry(&self) -> Registry {
        Registry::open(&self.environment()).unwrap()
    }

    fn find(&self, name: &str) -> Result<Definition, Error> {
        self.registry().find(name)
    }

    fn problem(&self, name: &str) -> (String, Option<(usize, usize)>, Problem) {
        match self.find(name).and_then(|definition| definition.provider()) {
            Err(Error::Invalid(invalid)) => (invalid.key, invalid.place.position, invalid.problem),
            other => panic!("{other:?}"),
        }
    }
}

fn bundled(name: &str) -> Definition {
    Machine::new("").find(name).unwrap()
}

fn fixed(endpoint: Option<Endpoint>) -> String {
    endpoint.unwrap().url().unwrap().to_string()
}

#[test]
fn the_nearest_layer_wins_key_by_key_and_is_remembered() {
    let machine = Machine::new("[providers.github]\nclient_id = \"user\"\nredirect = { port = 1234 }\n");
    machine.write("system", "schema = 1\n[providers.github]\nclient_id = \"system\"\nscopes = [\"repo\"]\n");

    let definition = machine.find("github").unwrap();
    let provider = definition.provider().unwrap();

    assert_eq!(provider.client_id.as_deref(), Some("user"));
    assert_eq!(provider.scopes, ["repo"]);
    assert_eq!((provider.redirect.port, provider.redirect.loopback), (1234, Loopback::AnyPort));
    assert_eq!(definition.origin("client_id"), Some(&Origin::User(machine.file("user"))));
    assert_eq!(definition.origin("scopes"), Some(&Origin::System(machine.file("system"))));
    assert_eq!(definition.origin("token_endpoint"), Some(&Origin::Bundled));
    assert_eq!(definition.origin("client_secret"), None);
}

#[test]
fn an_issuer_alone_makes_a_provider() {
    let provider = Machine::new("[providers.acme]\nissuer = \"https://id.acme.example\"\n")
        .find("acme")
        .unwrap()
        .provider()
        .unwrap();

    assert_eq!(provider.protocol, Protocol::Oidc);
    assert_eq!(provider.issuer.as_deref(), Some("https://id.acme.example"));
    assert_eq!(provider.name, "acme");
    assert_eq!(provider.grants, ["authorization_code"]);
    assert_eq!(provider.client_auth, ClientAuth::Auto);
    assert_eq!((provider.scopes, provider.user.id), (vec!["openid".to_owned()], vec!["sub".to_owned()]));
}

#[test]
fn a_secret_is_not_inherited_at_another_host() {
    let machine = Machine::new(
        "[providers.gitlab]\nclient_id = \"c\"\nclient_secret = { env = \"S\" }\n\
         [providers.same]\nextends = \"gitlab\"\nscopes = [\"api\"]\n\
         [providers.moved]\nextends = \"gitlab\"\nbase_url = \"https://git.acme.example\"\n\
         [providers.given]\nextends = \"moved\"\nclient_secret = { env = \"T\" }\nbase_url = \"https://b.example\"\n",
    );
    let provider = |name: &str| machine.find(name).unwrap().provider().unwrap();

    assert_eq!(provider("same").client_secret, Some(SecretSource::Env("S".into())));
    assert_eq!((provider("moved").client_id.as_deref(), provider("moved").client_secret), (Some("c"), None));
    assert_eq!(provider("given").client_secret, Some(SecretSource::Env("T".into())));
}

#[test]
fn extends_inherits_and_overrides() {
    let machine = Machine::new(
        "[providers.work]\nextends = \"gitlab\"\nbase_url = \"https://git.acme.example/\"\nname = \"Work\"\n",
    );

    let provider = machine.find("work").unwrap().provider().unwrap();

    assert_eq!((provider.id.as_str(), provider.name.as_str()), ("work", "Work"));
    assert_eq!(fixed(provider.token_endpoint), "https://git.acme.example/oauth/token");
    assert_eq!(provider.scopes, ["read_user"]);
}

#[test]
fn another_issuer_drops_the_endpoints_of_the_one_below() {
    let machine = Machine::new(
        "[providers.google]\nissuer = \"https://id.acme.example\"\ntoken_endpoint = \"https://id.acme.example/t\"\n\
         [providers.child]\nextends = \"microsoft-entra-id\"\nissuer = \"https://id.acme.example\"\n",
    );

    let google = machine.find("google").unwrap().provider().unwrap();
    let child = machine.find("child").unwrap();

    assert_eq!(google.authorization_endpoint, None);
    assert_eq!(fixed(google.token_endpoint), "https://id.acme.example/t");
    assert_eq!(google.hosts, [""; 0]);
    assert_eq!(google.client_auth, ClientAuth::ClientSecretPost);
    assert_eq!(child.origin("token_endpoint"), None);
    assert_eq!(child.origin("issuer_match"), None);
}

#[test]
fn the_same_issuer_keeps_the_endpoints() {
    let machine = Machine::new("[providers.google]\nissuer = \"https://accounts.google.com\"\n");

    assert_eq!(machine.find("google").unwrap().origin("token_endpoint"), Some(&Origin::Bundled));
}

#[test]
fn an_issuer_from_the_command_line_drops_endpoints_too_but_not_its_own() {
    let mut definition = bundled("google");
    let flag = || Origin::Flag("--set".into());

    definition.set("token_endpoint", "https://id.acme.example/t", flag()).unwrap();
    definition.set("issuer", "https://id.acme.example", flag()).unwrap();

    assert_eq!(definition.origin("authorization_endpoint"), None);
    assert_eq!(definition.origin("token_endpoint"), Some(&flag()));
}

#[test]
fn circles_and_missing_parents_are_refused() {
    let machine = Machine::new(
        "[providers.a]\nextends = \"b\"\n[providers.b]\nextends = \"a\"\n[providers.c]\nextends = \"c\"\n\
         [providers.d]\nextends = \"nowhere\"\n",
    );

    assert!(matches!(machine.find("a"), Err(Error::Cycle { chain }) if chain == ["a", "b", "a"]));
    assert!(matches!(machine.find("c"), Err(Error::Cycle { chain }) if chain == ["c", "c"]));
    assert!(matches!(machine.find("d"), Err(Error::UnknownParent { parent, .. }) if parent == "nowhere"));
}

#[test]
fn aliases_lead_to_their_provider_and_names_win_over_aliases() {
    let machine = Machine::new(
        "[providers.mine]\naliases = [\"m\", \"github\"]\nissuer = \"https://a.example\"\n\
         [providers.child]\nextends = \"m\"\n",
    );

    assert_eq!(machine.find("m").unwrap().id, "mine");
    assert_eq!(machine.find("ghes").unwrap().id, "github-enterprise");
    assert_eq!(machine.find("github").unwrap().origin("token_endpoint"), Some(&Origin::Bundled));
    assert_eq!(machine.find("child").unwrap().origin("aliases"), None);
}

#[test]
fn an_unknown_provider_is_answered_with_the_nearest_name() {
    assert!(matches!(
        Machine::new("").find("githbu"),
        Err(Error::UnknownProvider { name, nearest: Some(nearest) }) if name == "githbu" && nearest == "github"
    ));
}

#[test]
fn wrong_keys_are_told_with_line_column_and_the_nearest_key() {
    let unknown = |nearest: &str| Problem::UnknownKey { nearest: Some(nearest.into()) };
    for (text, key, position, problem) in [
        ("tokn_endpoint = \"https://a.example\"", "tokn_endpoint", (2, 1), unknown("token_endpoint")),
        ("redirect = { prt = 1 }", "redirect.prt", (2, 14), unknown("redirect.port")),
        ("scopes = \"openid\"", "scopes", (2, 10), Problem::Expected("a list of strings")),
        ("public_client = \"yes\"", "public_client", (2, 17), Problem::Expected("`true` or `false`")),
        (
            "redirect = { port = 0 }",
            "redirect.port",
            (2, 21),
            Problem::Expected("a port, a whole number from 1 to 65535"),
        ),
        (
            "issuer_match = \"none\"",
            "issuer_match",
            (2, 16),
            Problem::NotOneOf(vec!["exact".into(), "template".into()]),
        ),
        ("response_type = \"token\"", "response_type", (2, 1), Problem::ResponseType),
        ("authorize_params = { State = \"x\" }", "authorize_params.State", (2, 22), Problem::Reserved),
        ("token_params = { grant_type = \"x\" }", "token_params.grant_type", (2, 18), Problem::Reserved),
        ("refresh_params = { client_secret = \"x\" }", "refresh_params.client_secret", (2, 20), Problem::Reserved),
    ] {
        let machine = Machine::new(&format!("[providers.x]\n{text}\n"));

        let (found_key, found_position, found_problem) = machine.problem("x");

        assert_eq!(found_key, key);
        assert_eq!(found_problem, problem);
        assert_eq!(found_position, Some(position), "{text}");
    }
}

#[test]
fn every_reserved_parameter_is_refused_in_set_too() {
    for key in [
        "client_id",
        "redirect_uri",
        "response_type",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "request",
        "request_uri",
    ] {
        let refused = bundled("github").set(&format!("authorize_params.{key}"), "x", Origin::Flag("--set".into()));
        let expected = if key == "response_type" { Problem::ResponseType } else { Problem::Reserved };
        assert!(matches!(refused, Err(Error::Invalid(invalid)) if invalid.problem == expected), "{key}");
    }
}

#[test]
fn a_renamed_standard_parameter_is_reserved_under_its_new_name() {
    for entry in [
        "param_names = { client_id = \"client_key\" }\nauthorize_params = { client_key = \"x\" }",
        "scope_param = \"perms\"\ntoken_params = { perms = \"x\" }",
    ] {
        let machine = Machine::new(&format!("[providers.x]\nissuer = \"https://a.example\"\n{entry}\n"));

        assert!(matches!(machine.problem("x"), (_, _, Problem::Reserved)), "{entry}");
    }
}

#[test]
fn what_weakens_a_check_is_listed() {
    let machine = Machine::new(
        "[providers.x]\nissuer = \"https://a.example\"\npkce = \"off\"\nuserinfo = { token_in = \"query\" }\n",
    );

    assert_eq!(machine.find("x").unwrap().provider().unwrap().weakened(), ["pkce = off", "userinfo.token_in = query"]);
    assert_eq!(bundled("github").provider().unwrap().weakened(), [""; 0]);
}

#[test]
fn later_fields_are_known_and_checked() {
    let machine = Machine::new(
        "[providers.x]\nprotocol = \"oauth1\"\nrequest_token_endpoint = \"https://a.example/r\"\n\
         authorization_endpoint = \"https://a.example/a\"\ntoken_endpoint = \"https://a.example/t\"\n\
         signature_method = \"PLAINTEXT\"\noauth_version = \"1.0\"\nrealm = \"Photos\"\n\
         [providers.y]\nissuer = \"https://a.example\"\nsignature_method = \"PLAINTEXT\"\n\
         [providers.z]\ntoken_endpoint = \"{callback.server}/t\"\nauthorization_endpoint = \"https://a.example/a\"\n\
         app_token = { endpoint = \"https://a.example/app\", params = { a = \"b\" }, path = \"x.y\" }\n\
         device = { profile = \"trakt\", names = { user_code = \"code\" } }\nauthorize_params = { claims = '{\"id_token\":{}}' }\n\
         userinfo = { params = { openid = \"{token.openid}\" } }\n",
    );

    let oauth1 = machine.find("x").unwrap().provider().unwrap();
    let z = machine.find("z").unwrap().provider().unwrap();

    assert_eq!((oauth1.realm.as_deref(), oauth1.grants), (Some("Photos"), vec!["oauth1".to_owned()]));
    assert!(matches!(machine.problem("y"), (key, _, Problem::Refused(_)) if key == "signature_method"));
    assert_eq!(z.token_endpoint, Some(Endpoint::RunTime("{callback.server}/t".into())));
    assert_eq!(z.authorize_params["claims"], "{\"id_token\":{}}");
    assert_eq!(z.userinfo.params["openid"], "{token.openid}");
    assert_eq!(z.app_token.unwrap().path.as_deref(), Some("x.y"));
}

#[test]
fn one_broken_entry_does_not_disable_the_others() {
    let machine = Machine::new(
        "[providers.bad]\nnonsense_key = 1\n[providers.twice]\nissuer = \"https://a.example\"\n\
         [providers.good]\nissuer = \"https://b.example\"\n[providers.twice]\nissuer = \"https://c.example\"\n\
         [providers.Evil]\nissuer = \"https://d.example\"\n",
    );

    assert!(machine.find("good").is_ok());
    assert!(matches!(machine.find("bad"), Err(Error::Invalid(_))));
    assert!(matches!(machine.find("twice"), Err(Error::Syntax { place, .. }) if place.position == Some((7, 12))));
    assert!(matches!(machine.find("Evil"), Err(Error::ProviderName { .. })));
    let listed = machine.registry().ids().unwrap();
    let broken: Vec<_> =
        listed.iter().filter(|entry| entry.definition.is_err()).map(|entry| entry.id.as_str()).collect();
    assert_eq!(broken, ["Evil", "bad", "twice"]);
    assert!(listed.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(listed.iter().find(|entry| entry.id == "github").unwrap().origin, Origin::Bundled);
}

#[test]
fn a_syntax_error_names_line_and_column_and_shows_nothing_of_the_line() {
    let machine = Machine::new("[providers.x]\nclient_secret = \"canary-1\" canary-2\n");

    let error = machine.find("github").unwrap_err();

    assert!(matches!(&error, Error::Syntax { place, .. } if place.position == Some((2, 28))), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[test]
fn no_message_holds_a_value_from_the_file() {
    for line in [
        "client_secret = [\"canary\"]",
        "pkce = \"canary\"",
        "client_secret = { canary = \"canary\" }",
        "scopes = [\"a canary\"]",
    ] {
        let machine = Machine::new(&format!("[providers.x]\n{line}\n"));

        let error = machine.find("x").unwrap_err();

        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn strange_files_are_errors() {
    let machine = Machine::new("");
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, bytes) in [
        ("NUL", b"a = \"\0\"".to_vec()),
        ("no UTF-8", b"a = \"\xff\"".to_vec()),
        ("deep", deep.into_bytes()),
        ("huge", vec![b'#'; (1 << 20) + 1]),
        ("schema", b"schema = 2".to_vec()),
        ("top", b"provider = 1".to_vec()),
        ("list", b"[[providers]]".to_vec()),
    ] {
        machine.write("user", bytes);
        assert!(machine.find("github").is_err(), "{what}");
    }
    machine.write("user", "\u{feff}[providers.x]\nissuer = \"https://a.example\"\n");
    assert!(machine.find("x").is_ok(), "a byte order mark is no part of the text");
    fs::remove_file(machine.file("user")).unwrap();
    fs::create_dir(machine.file("user")).unwrap();
    assert!(matches!(machine.find("github"), Err(Error::File(_))), "a directory");
    fs::remove_dir(machine.file("user")).unwrap();
    let name = std::ffi::CString::new(machine.file("user").to_str().unwrap()).unwrap();
    // SAFETY: the name is a valid C string for the length of the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert!(machine.find("github").is_err(), "a pipe");
}

#[test]
fn files_that_others_may_write_to_are_refused() {
    let machine = Machine::new("[providers.x]\nissuer = \"https://a.example\"\n");
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(machine.file("user"), fs::Permissions::from_mode(mode)).unwrap();
        assert!(
            matches!(machine.find("github"), Err(Error::UnsafeFile { path, .. }) if path == machine.file("user")),
            "{mode:o}"
        );
    }
    fs::set_permissions(machine.file("user"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(machine.find("x").is_ok());
    fs::set_permissions(machine.file("user").parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(machine.find("x"), Err(Error::UnsafeFile { .. })));
}

#[test]
fn a_machine_without_a_home_still_knows_the_built_in_providers() {
    let registry = Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "relative")])).unwrap();

    assert!(registry.find("github").is_ok());
    assert!(registry.files.is_empty());
}

#[test]
fn only_configuration_directories_are_read() {
    let registry = Registry::open(&Environment::given([("HOME", "/nonexistent"), ("XDG_CONFIG_HOME", ".")])).unwrap();

    assert!(registry.files.iter().all(|origin| origin.path().is_some_and(Path::is_absolute)));
    assert!(matches!(Registry::open(&Environment::given([("KEYFOB_CONFIG_DIR", ".")])), Err(Error::File(_))));
}

#[test]
fn changing_a_built_in_provider_and_readable_secrets_are_told() {
    let machine = Machine::new(
        "[providers.github]\nclient_id = \"x\"\ntoken_endpoint = \"https://a.example\"\nuserinfo = { method = \"GET\" }\n\
         [providers.gitlab]\nclient_id = \"x\"\nclient_secret = \"canary\"\n",
    );
    fs::set_permissions(machine.file("user"), fs::Permissions::from_mode(0o644)).unwrap();
    let registry = machine.registry();

    registry.find("github").unwrap();
    registry.find("gitlab").unwrap();
    registry.find("github").unwrap();

    let path = machine.file("user");
    assert_eq!(
        registry.warnings(),
        [
            Warning::ReadableSecret { provider: "gitlab".into(), key: "client_secret".into(), path: path.clone() },
            Warning::Shadowed {
                provider: "github".into(),
                path,
                keys: vec!["token_endpoint".into(), "userinfo".into()]
            },
        ]
    );
}

#[test]
fn a_secret_is_a_reference_or_does_not_show() {
    let machine = Machine::new(
        "[providers.x]\nissuer = \"https://a.example\"\nclient_secret = \"canary\"\nprivate_key = { file = \"key.pem\" }\n\
         assertion = { command = [\"make\", \"canary\"] }\npassword = { env = \"PW\" }\nclient_certificate = { store = true }\n\
         username = \"ada\"\n",
    );

    let definition = machine.find("x").unwrap();
    let provider = definition.provider().unwrap();
    let shown: Vec<_> = definition.settings().map(|(key, value, _)| format!("{key}={value}")).collect();

    assert_eq!(provider.client_secret, Some(SecretSource::Literal("canary".into())));
    assert_eq!(provider.private_key, Some(SecretSource::File(machine.file("user").with_file_name("key.pem"))));
    assert_eq!(provider.inputs["assertion"], SecretSource::Command(vec!["make".into(), "canary".into()]));
    assert_eq!(provider.client_certificate, Some(SecretSource::Store));
    assert!(!format!("{:?}", provider.client_secret).contains("canary"));
    assert!(!shown.concat().contains("canary"), "{shown:?}");
    assert!(shown.contains(&"client_secret=[secret]".into()) && shown.contains(&"username=ada".into()), "{shown:?}");
    let toml = definition.to_toml();
    assert!(!toml.contains("canary") && !toml.contains("key.pem"), "{toml}");
}

#[test]
fn a_missing_variable_is_named_and_asked_for() {
    let definition = bundled("keycloak");

    let names: Vec<_> = definition.missing_variables().into_iter().map(|variable| variable.name).collect();

    assert_eq!(names, ["base_url", "realm"]);
    assert!(matches!(
        definition.provider(),
        Err(Error::MissingVariable { provider, variable, example: Some(_), .. }) if provider == "keycloak" && variable == "base_url"
    ));
}

#[test]
fn set_reads_the_keys_type() {
    let mut definition = bundled("keycloak");
    let mut set = |key: &str, text: &str| definition.set(key, text, Origin::Flag("--set".into())).unwrap();
    set("base_url", "https://sso.example.org/auth/");
    set("realm", "main");
    set("redirect.port", "28401");
    set("scopes", " openid  email ");
    set("public_client", "false");
    set("authorize_params.kc_idp_hint", "x");

    let provider = definition.provider().unwrap();

    assert_eq!(
        fixed(provider.token_endpoint),
        "https://sso.example.org/auth/realms/main/protocol/openid-connect/token"
    );
    assert_eq!((provider.redirect.port, provider.public_client), (28401, Some(false)));
    assert_eq!(provider.scopes, ["openid", "email"]);
    assert_eq!(provider.authorize_params["kc_idp_hint"], "x");
    assert_eq!(provider.realm, None);
}

#[test]
fn set_refuses_what_a_file_could_not_say() {
    for (key, text) in [
        ("redirect.port", "x"),
        ("public_client", "yes"),
        ("pkce", "md5"),
        ("redirect", "x"),
        ("nokey", "x"),
        ("response_type", "token"),
    ] {
        assert!(
            matches!(bundled("github").set(key, text, Origin::Flag("--set".into())), Err(Error::Invalid(_))),
            "{key}"
        );
    }
    let refused = bundled("gitlab").set("base_ulr", "x", Origin::Flag("--set".into()));
    assert!(
        matches!(refused, Err(Error::Invalid(invalid)) if invalid.problem == Problem::UnknownKey { nearest: Some("base_url".into()) })
    );
}

#[test]
fn unusable_addresses_are_refused_with_key_and_place() {
    for (key, text) in [
        ("token_endpoint", "http://a.example/t"),
        ("token_endpoint", "https://user@a.example/t"),
        ("token_endpoint", "not an address"),
        ("token_endpoint", "https://a.example/{nope}"),
        ("token_endpoint", "http://{token.host}/t"),
        ("authorization_endpoint", "https://a.example/a#x"),
        ("authorization_endpoint", "https://a.example/{token.x}"),
        ("issuer", "https://a.example?x=y"),
        ("issuer", "http://a.example"),
        ("hosts", "https://a.example"),
        ("docs", "javascript:alert(1)"),
        ("redirect.uri", "https://a.example/#x"),
        ("base_url", "https://a.example/?"),
    ] {
        let mut definition = bundled("gitlab");
        let refused =
            definition.set(key, text, Origin::Flag("--set".into())).and_then(|()| definition.provider().map(|_| ()));
        assert!(matches!(&refused, Err(Error::Invalid(invalid)) if invalid.key == key), "{key} {text} {refused:?}");
    }
}

#[test]
fn choices_and_patterns_bind_variables() {
    let text = "[providers.x]\nissuer = \"https://{dc}.example.com/{tenant}\"\n\
                variables = { dc = { choices = [\"eu\", \"us\"] }, tenant = { pattern = \"t-*\" } }\n";
    let filled = |dc: &str, tenant: &str| {
        Machine::new(&format!("{text}dc = \"{dc}\"\ntenant = \"{tenant}\"\n")).find("x").and_then(|x| x.provider())
    };

    assert_eq!(filled("eu", "t-1").unwrap().issuer.as_deref(), Some("https://eu.example.com/t-1"));
    assert!(
        matches!(filled("cn", "t-1"), Err(Error::Invalid(invalid)) if matches!(invalid.problem, Problem::NotOneOf(_)))
    );
    assert!(matches!(filled("eu", "x"), Err(Error::Invalid(invalid)) if invalid.key == "tenant"));
    assert!(matches!(filled("eu", "t-/../x"), Err(Error::Invalid(invalid)) if invalid.key == "tenant"));
}

#[test]
fn a_variable_cannot_have_the_name_of_a_field() {
    let machine = Machine::new("[providers.x]\nissuer = \"https://a.example\"\nvariables = { token_endpoint = {} }\n");

    assert!(matches!(machine.problem("x"), (key, _, Problem::Refused(_)) if key == "variables.token_endpoint"));
}

#[test]
fn what_is_shown_as_toml_loads_again_as_the_same_provider() {
    let source = Machine::new(
        "[providers.base]\nextends = \"keycloak\"\nbase_url = \"https://sso.example.org\"\n\
         [providers.work]\nextends = \"base\"\nrealm = \"main\"\nclient_id = \"x\"\nclient_secret = { env = \"S\" }\n\
         token_request = { headers = { X-A = \"b.c\" } }\nauthorize_params = { \"a.b\" = \"c\" }\n\
         [providers.own]\nissuer = \"https://{t}.example.com\"\nt = \"x\"\nvariables = { t = { prompt = \"T\", choices = [\"x\", \"y\"] } }\n",
    );
    for name in ["work", "own", "github", "azure-ad"] {
        let before = source.find(name).unwrap();

        let after = Machine::new(&before.to_toml()).find(name).unwrap();

        assert_eq!(after.provider().unwrap(), before.provider().unwrap(), "{}", before.to_toml());
    }
}

#[test]
fn the_editor_keeps_comments_and_writes_only_what_loads() {
    let machine = Machine::new("# mine\nschema = 1\n\n[providers.github] # work\nclient_id = \"old\" # the old one\n");
    let editor = Editor::open(&machine.environment()).unwrap();

    editor.set("github", &[("client_id", "new".into()), ("client_secret", SecretSource::Store.into())]).unwrap();
    editor.set("github", &[("redirect.port", Value::Int(2000))]).unwrap();
    let bad = editor.set("github", &[("nokey", "x".into())]);
    let literal = editor.set("github", &[("client_secret", SecretSource::Literal("s".into()).into())]);

    assert!(matches!(bad, Err(Error::Invalid(_))));
    assert!(matches!(literal, Err(Error::LiteralSecret { .. })));
    assert_eq!(
        fs::read_to_string(machine.file("user")).unwrap(),
        "# mine\nschema = 1\n\n[providers.github] # work\nclient_id = \"new\" # the old one\n\
         client_secret = { store = true }\nredirect = { port = 2000 }\n"
    );
}

#[test]
fn the_editor_shows_a_change_before_it_is_made_and_takes_keys_out() {
    let text = "[providers.github]\nclient_id = \"old\"\nclient_secret = { store = true } # of the old one\n";
    let machine = Machine::new(text);
    let editor = Editor::open(&machine.environment()).unwrap();
    let change: (&[(&str, Value)], &[&str]) = (&[("client_id", "new".into())], &["client_secret", "client_auth"]);

    let shown = editor.preview("github", change.0, change.1).unwrap();
    assert_eq!(fs::read_to_string(machine.file("user")).unwrap(), text);
    editor.change("github", change.0, change.1).unwrap();

    let provider = shown.provider().unwrap();
    assert_eq!((provider.client_id.as_deref(), provider.client_secret), (Some("new"), None));
    assert_eq!(provider.token_endpoint, machine.find("github").unwrap().provider().unwrap().token_endpoint);
    assert_eq!(fs::read_to_string(machine.file("user")).unwrap(), "[providers.github]\nclient_id = \"new\"\n");
}

#[test]
fn the_editor_adds_and_removes_entries_in_a_new_private_file() {
    let machine = Machine::new("");
    fs::remove_dir_all(machine.file("user").parent().unwrap()).unwrap();
    let editor = Editor::open(&machine.environment()).unwrap();

    editor.add("acme", &[("issuer", "https://id.acme.example".into())]).unwrap();
    assert!(matches!(editor.add("acme", &[]), Err(Error::Exists { .. })));
    assert!(matches!(editor.add("Acme", &[]), Err(Error::ProviderName { .. })));
    assert!(machine.find("acme").unwrap().provider().is_ok());
    assert_eq!(fs::metadata(machine.file("user")).unwrap().permissions().mode() & 0o777, 0o600);

    assert!(editor.remove("acme").unwrap());
    assert!(!editor.remove("acme").unwrap());
    assert!(matches!(machine.find("acme"), Err(Error::UnknownProvider { .. })));
}

#[test]
fn a_probe_of_the_editor_changes_no_file_and_tells_what_cannot_be_written() {
    let text = "[providers.github]\nclient_id = \"old\"\n";
    let machine = Machine::new(text);
    let editor = Editor::open(&machine.environment()).unwrap();
    let directory = machine.file("user").parent().unwrap().to_owned();

    editor.probe().unwrap();
    assert_eq!(fs::read_to_string(machine.file("user")).unwrap(), text);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);

    fs::write(machine.file("user"), "[providers").unwrap();
    assert!(matches!(editor.probe(), Err(Error::Syntax { .. })));

    fs::remove_dir_all(&directory).unwrap();
    fs::write(&directory, "a file").unwrap();
    assert!(matches!(editor.probe(), Err(Error::File(_))));
    fs::remove_file(&directory).unwrap();
    // What not even the superuser can write to.
    std::os::unix::fs::symlink("/proc/self", &directory).unwrap();
    assert!(matches!(editor.probe(), Err(Error::File(_))));
}

#[test]
fn a_colleagues_text_is_taken_over_only_when_it_is_right_and_runs_nothing() {
    let machine = Machine::new("");
    let editor = Editor::open(&machine.environment()).unwrap();
    let colleague = Machine::new(
        "[providers.work]\nextends = \"keycloak\"\nbase_url = \"https://sso.example.org\"\nrealm = \"r\"\n",
    );

    let ids = editor.merge_text(&colleague.find("work").unwrap().to_toml()).unwrap();
    assert_eq!(ids, ["work"]);
    assert_eq!(machine.find("work").unwrap().provider().unwrap(), colleague.find("work").unwrap().provider().unwrap());

    let before = fs::read(machine.file("user")).unwrap();
    let command =
        editor.merge_text("[providers.evil]\nissuer = \"https://a.example\"\nclient_secret = { command = [\"x\"] }\n");
    assert!(matches!(command, Err(Error::ForeignCommand { .. })));
    assert!(matches!(editor.merge_text("[providers.evil]\nissuer = \"http://a.example\"\n"), Err(Error::Invalid(_))));
    assert!(matches!(editor.merge_text("[providers"), Err(Error::Syntax { .. })));
    assert_eq!(fs::read(machine.file("user")).unwrap(), before);
}
