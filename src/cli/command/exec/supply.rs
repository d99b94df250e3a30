//! Tokens for a program: obtained before it starts, put into files, and renewed there while it runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use keyfob::secret::Secret;
use keyfob::session::SessionKey;
use keyfob::system::{Error, Scratch, files};

use crate::cli::command::token;
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
#[cfg(not(unix))]
use crate::cli::signals;
use crate::cli::time;

use super::place::Place;
use super::supervisor::Supervisor;
use super::{Arguments, program};

/// Shortest time between two renewals that succeed, whatever lifetime a server gives its tokens.
const SHORTEST: Duration = Duration::from_millis(500);

/// First and longest time between a renewal that failed and the next one.
const RETRIES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// How often the clock on the wall and the index are looked at: a machine that has slept finds its tokens older than it has
/// waited, and some servers end a token as soon as another process has renewed its session.
const LOOK: Duration = Duration::from_secs(5);

/// Longest time that is planned for; an ID token may end beyond what clocks can count.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// One session's token, and where the program finds it.
pub struct Supply {
    /// Its session.
    pub key: SessionKey,
    /// The token.
    pub token: Secret,
    /// The variables that hold it.
    pub variables: Vec<String>,
    /// The variables that hold a file's path, and the files' names.
    files: Vec<(String, String)>,
    /// How to ask for the next one.
    request: token::Arguments,
    /// Seconds since 1970 at which it ends.
    ends: Option<i64>,
    /// The session's state when the token was asked for, at the latest; another one may bring another token.
    generation: Option<String>,
    /// When it is renewed.
    due: Option<Due>,
    /// Renewals that failed since the last one that did not.
    failures: u32,
}

/// A moment on both clocks: the one that nobody sets, and the one that goes on while the machine sleeps.
#[derive(Debug, Clone, Copy)]
struct Due(Instant, SystemTime);

impl Due {
    fn after(time: Duration) -> Self {
        Self(Instant::now() + time, SystemTime::now() + time)
    }

    fn is_now(self) -> bool {
        self.0 <= Instant::now() || self.1 <= SystemTime::now()
    }
}

impl Supply {
    /// Whether nothing of it has to be renewed or removed.
    pub fn is_without_file(&self) -> bool {
        self.files.is_empty()
    }

    /// How long the token is good, from now.
    fn left(&self) -> Option<Duration> {
        let ends = Duration::from_secs(u64::try_from(self.ends?).unwrap_or(0));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Some(ends.saturating_sub(now).min(LONGEST))
    }

    fn is_short(&self, min_validity: Duration) -> bool {
        self.left().is_some_and(|left| left <= min_validity)
    }

    /// The session's state as the index has it.
    fn state(&self, context: &Context) -> Option<String> {
        let entry = context.keeper().ok()?.catalog().find(&self.key).ok()??;
        state_of(&self.request, entry.generation)
    }

    /// Plans the next renewal: when the token is good for `min_validity` more, or half through one that lives no longer.
    fn plan(&mut self, min_validity: Duration) {
        let early = |left: Duration| left.checked_sub(min_validity).unwrap_or(left / 2).max(SHORTEST);
        self.due = self.left().filter(|_| !self.is_without_file()).map(|left| Due::after(early(left)));
    }

    /// Plans another attempt, and answers how long that is.
    fn plan_again(&mut self) -> Duration {
        let (first, longest) = RETRIES;
        let growing = (first * 2_u32.pow(self.failures.min(16))).min(longest);
        self.failures += 1;
        // While the token is good there is something to save.
        let pause = match self.left() {
            Some(left) if !left.is_zero() => growing.min(left / 2).max(first),
            _ => growing,
        };
        self.due = Some(Due::after(pause));
        pause
    }
}

/// The tokens of all `places`, or of the command's TARGET where there is none.
pub fn obtain(context: &Context, arguments: &Arguments, places: &[Place]) -> Result<Vec<Supply>, Failure> {
    if places.is_empty() {
        let mut supply = one(context, arguments, arguments.target.as_deref())?;
        supply.variables = program::usual_variables(context, &supply.key)?;
        return Ok(vec![supply]);
    }
    let mut supplies: Vec<Supply> = Vec::new();
    let mut known: Vec<(Option<&str>, usize)> = Vec::new();
    for place in places {
        let target = place.target.as_deref().or(arguments.target.as_deref());
        let at = match known.iter().find(|(known, _)| *known == target) {
            Some((_, at)) => *at,
            None => {
                let supply = one(context, arguments, target)?;
                let at = match supplies.iter().position(|other| other.key == supply.key) {
                    // The later token: where the server ends the one before, it is the only one that is good.
                    Some(at) => {
                        let earlier = &mut supplies[at];
                        (earlier.token, earlier.ends, earlier.generation) =
                            (supply.token, supply.ends, supply.generation);
                        at
                    }
                    None => {
                        supplies.push(supply);
                        supplies.len() - 1
                    }
                };
                known.push((target, at));
                at
            }
        };
        match place.is_file {
            true => supplies[at].files.push((place.name.clone(), file_name(places, place))),
            false => supplies[at].variables.push(place.name.clone()),
        }
    }
    Ok(supplies)
}

fn one(context: &Context, arguments: &Arguments, target: Option<&str>) -> Result<Supply, Failure> {
    let Arguments { id_token, min_validity, scope, login, .. } = arguments;
    let request = token::Arguments::for_program(target, *id_token, *min_validity, scope, *login);
    let token::ForProgram { entry, token, ends } = token::for_program(context, &request)?;
    // What is the default may change while the program runs. A session that was obtained unasked is found by what it was
    // asked for.
    let request = if entry.request.is_some() { request } else { request.of_session(&entry.key) };
    Ok(Supply {
        // The entry was read before the token: whoever renews the session from then on is noticed, even while the tokens of
        // other sessions still wait for a person or a server.
        generation: state_of(&request, entry.generation),
        key: entry.key,
        token,
        variables: Vec::new(),
        files: Vec::new(),
        request,
        ends,
        due: None,
        failures: 0,
    })
}

/// What `generation` says of the token that is asked for. One for some scopes only is no part of the session's state: two
/// programs that fetch such ones would take turns for ever.
fn state_of(request: &token::Arguments, generation: String) -> Option<String> {
    request.is_whole().then_some(generation)
}

/// The variable's name. File systems without case take two that differ in nothing else for one.
fn file_name(places: &[Place], place: &Place) -> String {
    let alike = places.iter().take_while(|other| *other != place);
    let alike = alike.filter(|other| other.is_file && other.name.eq_ignore_ascii_case(&place.name)).count();
    format!("{}{}", place.name, "_".repeat(alike))
}

/// The directory of the files, until the program has ended.
#[derive(Clone)]
struct Folder(Arc<Mutex<Option<Scratch>>>);

impl Folder {
    fn close(&self) {
        self.open().take();
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Option<Scratch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the directory with its first files, and tells `command` where they are.
    fn fill(&self, base: PathBuf, supplies: &[Supply], command: &mut Command) -> Result<(), Error> {
        let scratch = Scratch::begin(&base)?;
        for supply in supplies {
            for (variable, name) in &supply.files {
                let path = scratch.path().join(name);
                let written = files::new_private_file(&path)
                    .and_then(|mut file| file.write_all(supply.token.expose().as_bytes()));
                written.map_err(|source| Error::Write { path: path.clone(), source })?;
                command.env(variable, path);
            }
        }
        #[cfg(not(unix))]
        signals::remove_at_end(scratch.path().to_owned());
        *self.open() = Some(scratch);
        Ok(())
    }

    /// Replaces a session's files. After the program's end there is nothing to replace.
    fn renew(&self, supply: &Supply, token: &Secret) -> Result<(), Error> {
        let open = self.open();
        let Some(scratch) = open.as_ref() else { return Ok(()) };
        let path = |name: &String| scratch.path().join(name);
        supply.files.iter().try_for_each(|(_, name)| files::replace(&path(name), token.expose().as_bytes()))
    }
}

/// Runs `command` with the files of `supplies`, keeps these fresh until it ends, and answers its exit code.
pub fn run(context: &Context, mut command: Command, mut supplies: Vec<Supply>) -> Result<i32, Failure> {
    let min_validity = context.settings()?.min_validity;
    let min_validity = supplies.first().and_then(|supply| supply.request.min_validity()).unwrap_or(min_validity);
    let base = context.environment.run_dir()?;
    #[cfg(not(unix))]
    signals::leave_to_program(&context.terminal);
    let folder = Folder(Arc::default());
    let closing = folder.clone();
    let supervisor = Supervisor::prepare(move || closing.close())
        .map_err(|error| Failure::new(ExitCode::Internal, format!("no program can be watched over: {error}")))?;
    folder.fill(base, &supplies, &mut command)?;
    context.terminal.give_away();
    if let Err(error) = supervisor.start(&mut command) {
        folder.close();
        return Err(program::failure(&command, &error));
    }
    for supply in &mut supplies {
        supply.plan(min_validity);
    }
    loop {
        let next = supplies.iter().filter_map(|supply| supply.due).map(|due| due.0).min();
        let wait = next.map_or(LOOK, |next| next.saturating_duration_since(Instant::now()).min(LOOK));
        if let Some(code) = supervisor.ended_within(wait) {
            return Ok(code);
        }
        for supply in supplies.iter_mut().filter(|supply| !supply.is_without_file()) {
            let is_due = supply.due.is_some_and(Due::is_now);
            let state = supply.state(context);
            if is_due || supply.generation != state {
                renew(context, &folder, supply, is_due, min_validity);
                supply.generation = state;
            }
        }
    }
}

/// Renews one session's files, or says why not and leaves them as they are. A token that is not due comes from another
/// process, and is taken however long it lives: two programs must not renew because of each other.
fn renew(context: &Context, folder: &Folder, supply: &mut Supply, is_due: bool, min_validity: Duration) {
    let outcome = match is_due {
        true => token::for_program(context, &supply.request),
        false => token::for_program(context, &supply.request.of_any_validity()),
    };
    let is_same = |next: &token::ForProgram| next.token == supply.token && next.ends == supply.ends;
    let written = match outcome {
        // The state was of this program's own making.
        Ok(next) if !is_due && is_same(&next) => return,
        // Told already why it is still the old one.
        Ok(next) if is_same(&next) && supply.is_short(min_validity) => {
            supply.plan_again();
            return;
        }
        Ok(next) => folder.renew(supply, &next.token).map(|()| next).map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match written {
        Ok(next) => {
            (supply.token, supply.ends, supply.failures) = (next.token, next.ends, 0);
            supply.plan(min_validity);
        }
        Err(failure) => {
            let state = if supply.left().is_some_and(|left| left.is_zero()) { "has ended" } else { "is still good" };
            let pause = time::duration(supply.plan_again().as_secs());
            let (key, reason) = (&supply.key, failure.message());
            context.terminal.warning(&format!(
                "the program's token of {key} could not be renewed, the one in its file {state}; next try in {pause}: {reason}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::{Supply, token};

    /// A session whose token is in a file and lives so many seconds more.
    fn supply(left: i64) -> Supply {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        Supply {
            key: keyfob::session::SessionKey::parse("acme/ada").unwrap(),
            token: "token".into(),
            variables: Vec::new(),
            files: vec![("T".into(), "T".into())],
            request: token::Arguments::default(),
            ends: Some(i64::try_from(now).unwrap().saturating_add(left)),
            generation: None,
            due: None,
            failures: 0,
        }
    }

    /// Seconds until the next attempt, rounded up.
    fn wait(supply: &Supply) -> u64 {
        supply.due.unwrap().0.duration_since(Instant::now()).as_secs_f64().ceil() as u64
    }

    #[test]
    fn a_token_is_renewed_when_it_is_short_or_half_over() {
        let planned = |left: i64, min_validity| {
            let mut supply = supply(left);
            supply.plan(Duration::from_secs(min_validity));
            wait(&supply)
        };

        assert!((3538..=3540).contains(&planned(3600, 60)));
        assert!((14..=15).contains(&planned(30, 60)));
        assert_eq!(planned(0, 60), 1);
        assert!(planned(i64::MAX, 60) > 300 * 24 * 3600);
    }

    #[test]
    fn attempts_become_rare_unless_a_good_token_is_to_be_saved() {
        let pauses = |left: i64| {
            let mut supply = supply(left);
            (0..10).map(|_| supply.plan_again().as_secs()).collect::<Vec<_>>()
        };

        assert_eq!(pauses(-5), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert!(pauses(20).iter().all(|pause| (1..=10).contains(pause)));
    }
}
