//! Where keyfob runs, as far as variables tell it: at a screen, or somewhere that a person only reaches from afar.
//!
//! Nothing here starts a program or asks the network. A shell inside `tmux` or `screen` keeps the variables of the time
//! when it was started, so that a terminal that was taken over by SSH since then may be mistaken for one at the screen;
//! `--device` and `--no-browser` say what cannot be seen.

use keyfob::system::Environment;

use super::Reason;

/// Variables of the subsystem for Linux on Windows, whose browser is the one of Windows.
pub const WSL: [&str; 2] = ["WSL_DISTRO_NAME", "WSL_INTEROP"];

/// Variables of the SSH server (sshd(8), "ENVIRONMENT").
const SSH: [&str; 3] = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"];

/// Variables of terminals in a web page: the loopback address of the machine is not the one of the person's browser.
const HOSTED: [(&str, Option<&str>); 10] = [
    // GitHub.
    ("CODESPACES", None),
    ("GITPOD_WORKSPACE_ID", None),
    // Google, Azure, AWS.
    ("CLOUD_SHELL", None),
    ("ACC_CLOUD", None),
    ("AZUREPS_HOST_ENVIRONMENT", None),
    ("AWS_EXECUTION_ENV", Some("CloudShell")),
    ("C9_PROJECT", None),
    ("CODER_WORKSPACE_NAME", None),
    ("REPL_ID", None),
    // code-server.
    ("VSCODE_PROXY_URI", None),
];

/// Variables of editors whose window is on another machine: Visual Studio Code with its containers, and JetBrains.
const EDITORS: [&str; 3] = ["VSCODE_IPC_HOOK_CLI", "REMOTE_CONTAINERS", "REMOTE_DEV_LAUNCHER_NAME_FOR_USAGE"];

/// Whether what the system opens addresses with leads to the person's own screen.
///
/// `has_desktop`: whether the system draws windows without a display being named; `container` looks for the signs of one.
///
/// # Errors
/// Why not.
pub fn screen(environment: &Environment, has_desktop: bool, container: impl Fn() -> bool) -> Result<(), Reason> {
    let any = |names: &[&str]| names.iter().any(|name| environment.raw(name).is_some());
    let remote = any(&SSH);
    if is_hosted(environment) {
        return Err(Reason::WebEditor);
    }
    if any(&["DISPLAY", "WAYLAND_DISPLAY"]) || (!remote && (has_desktop || any(&WSL))) {
        Ok(())
    } else if remote {
        Err(Reason::RemoteShell)
    } else if any(&EDITORS) {
        Err(Reason::RemoteEditor)
    } else if any(&["container", "KUBERNETES_SERVICE_HOST"]) || container() {
        Err(Reason::Container)
    } else {
        Err(Reason::NoDisplay)
    }
}

/// Whether the terminal is in a web page.
pub fn is_hosted(environment: &Environment) -> bool {
    HOSTED.iter().any(|(name, value)| match value {
        None => environment.raw(name).is_some(),
        Some(value) => environment.text(name).is_some_and(|found| found == *value),
    })
}

/// Whether a browser command is the one that such a terminal brings along, rather than one that a person chose.
pub fn is_editors_own(words: &[String]) -> bool {
    let program = words.first().map_or("", String::as_str);
    let name = program.rsplit('/').next().unwrap_or_default();
    program.contains("/helpers/browser") || (name == "gp" && words.get(1).is_some_and(|word| word == "preview"))
}

/// The command that, run on the person's own machine, makes `host`:`port` of this one reachable there under the same
/// address. `machine` is this one's name, for where SSH does not say what it was called by.
pub fn forward(environment: &Environment, machine: Option<&str>, host: &str, port: u16) -> String {
    // client address, client port, server address, server port
    let connection = environment.text("SSH_CONNECTION").unwrap_or_default();
    let mut words = connection.split_ascii_whitespace().skip(2);
    let (address, ssh_port) = (words.next().filter(|word| is_plain(word)), words.next().filter(|word| is_plain(word)));
    let option = ssh_port.filter(|port| *port != "22").map(|port| format!("-p {port} ")).unwrap_or_default();
    let user = environment.first(&["USER", "LOGNAME", "USERNAME"]).filter(|user| is_plain(user));
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let place = address.or(machine.filter(|name| is_plain(name))).unwrap_or("THIS-HOST");
    format!("ssh -L {port}:{host}:{port} {option}{user}{place}")
}

/// Whether a word can be pasted into any shell without meaning anything else, and is no option.
fn is_plain(word: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'%');
    !word.is_empty() && !word.starts_with('-') && word.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &[(&str, &str)] = &[];

    #[test]
    fn a_screen_is_where_a_person_can_see_it() {
        for (variables, has_desktop, container, expected) in [
            (&[("DISPLAY", ":0")][..], false, true, Ok(())),
            (&[("WAYLAND_DISPLAY", "wayland-0")], false, false, Ok(())),
            (&[("WSL_DISTRO_NAME", "Debian")], false, false, Ok(())),
            (&[("WSL_INTEROP", "/run/WSL/1"), ("VSCODE_IPC_HOOK_CLI", "/tmp/x")], false, false, Ok(())),
            (&[("SSH_TTY", "/dev/pts/1"), ("DISPLAY", "localhost:10.0")], false, false, Ok(())),
            (&[("TERM_PROGRAM", "vscode"), ("DISPLAY", ":0")], false, false, Ok(())),
            (NONE, true, false, Ok(())),
            (&[("SSH_CONNECTION", "x")], true, false, Err(Reason::RemoteShell)),
            (&[("SSH_CLIENT", "x")], false, false, Err(Reason::RemoteShell)),
            (&[("SSH_TTY", "/dev/pts/1")], false, true, Err(Reason::RemoteShell)),
            (&[("SSH_TTY", "/dev/pts/1"), ("WSL_DISTRO_NAME", "Debian")], false, false, Err(Reason::RemoteShell)),
            (&[("SSH_TTY", "/dev/pts/1"), ("TMUX", "/tmp/tmux-0/default,1,0")], false, false, Err(Reason::RemoteShell)),
            (&[("SSH_CONNECTION", "x"), ("VSCODE_IPC_HOOK_CLI", "/x")], false, false, Err(Reason::RemoteShell)),
            (&[("CODESPACES", "true")], false, true, Err(Reason::WebEditor)),
            (&[("CODESPACES", "true"), ("SSH_CONNECTION", "x")], false, true, Err(Reason::WebEditor)),
            (&[("GITPOD_WORKSPACE_ID", "a-b")], false, true, Err(Reason::WebEditor)),
            (&[("CLOUD_SHELL", "true")], false, true, Err(Reason::WebEditor)),
            (&[("ACC_CLOUD", "PROD")], false, true, Err(Reason::WebEditor)),
            (&[("AWS_EXECUTION_ENV", "CloudShell")], false, true, Err(Reason::WebEditor)),
            (&[("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")], false, true, Err(Reason::Container)),
            (&[("VSCODE_PROXY_URI", "./proxy/{{port}}")], false, true, Err(Reason::WebEditor)),
            (&[("CODER_WORKSPACE_NAME", "dev")], false, true, Err(Reason::WebEditor)),
            (&[("REMOTE_CONTAINERS", "true")], false, true, Err(Reason::RemoteEditor)),
            (&[("VSCODE_IPC_HOOK_CLI", "/tmp/x.sock")], false, false, Err(Reason::RemoteEditor)),
            (&[("REMOTE_DEV_LAUNCHER_NAME_FOR_USAGE", "x")], false, false, Err(Reason::RemoteEditor)),
            (&[("container", "podman")], false, false, Err(Reason::Container)),
            (&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], false, false, Err(Reason::Container)),
            (NONE, false, true, Err(Reason::Container)),
            (&[("TMUX", "/tmp/tmux-0/default,1,0")], false, false, Err(Reason::NoDisplay)),
            (NONE, false, false, Err(Reason::NoDisplay)),
        ] {
            let found = screen(&Environment::given(variables.iter().copied()), has_desktop, || container);
            assert_eq!(found, expected, "{variables:?}");
        }
    }

    #[test]
    fn a_command_of_the_editor_is_told_from_one_that_somebody_chose() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();

        assert!(is_editors_own(&words("/vscode/bin/linux-x64/0/bin/helpers/browser.sh")));
        assert!(is_editors_own(&words("/ide/bin/remote-cli/gp preview --external")));
        assert!(!is_editors_own(&words("firefox -P work %u")));
        assert!(!is_editors_own(&words("/home/ada/bin/browser.sh")));
    }

    #[test]
    fn the_command_for_the_persons_machine_can_be_pasted() {
        let ssh = ("SSH_CONNECTION", "203.0.113.9 50000 198.51.100.7 22");
        for (variables, machine, expected) in [
            (&[ssh, ("USER", "ada")][..], Some("box"), "ssh -L 5123:127.0.0.1:5123 ada@198.51.100.7"),
            (
                &[("SSH_CONNECTION", "::1 1 2001:db8::7 2222"), ("LOGNAME", "ada")],
                None,
                "ssh -L 5123:127.0.0.1:5123 -p 2222 ada@2001:db8::7",
            ),
            (&[("USER", "ada")], Some("box.example"), "ssh -L 5123:127.0.0.1:5123 ada@box.example"),
            (NONE, None, "ssh -L 5123:127.0.0.1:5123 THIS-HOST"),
            (
                &[("USER", "a;reboot"), ("SSH_CONNECTION", "a b $(x) -oX")],
                Some("-x"),
                "ssh -L 5123:127.0.0.1:5123 THIS-HOST",
            ),
        ] {
            let found = forward(&Environment::given(variables.iter().copied()), machine, "127.0.0.1", 5123);
            assert_eq!(found, expected);
        }
    }
}
