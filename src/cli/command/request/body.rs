//! The body that the user gives: `DATA`, `@FILE` or `@-`.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use keyfob::system::http::stream::Upload;

use crate::cli::report::Failure;

/// Bytes of a body without a length (standard input, a pipe) that are kept, so that it can be sent a second time: more
/// than most requests have, and nothing to a computer.
const KEPT: usize = 1 << 20;

/// A body that is sent once, or as often as need be.
pub enum Body {
    /// None.
    None,
    /// In memory.
    Bytes(Vec<u8>),
    /// A file, opened anew for each request.
    File(PathBuf),
    /// What can be read only once; nothing is left of it when it was sent.
    Once(Option<Upload>),
}

impl Body {
    /// Reads an option of `-d`.
    ///
    /// # Errors
    /// Wrong usage: what cannot be read.
    pub fn parse(option: Option<&str>) -> Result<Self, Failure> {
        match option.map(|option| (option, option.strip_prefix('@'))) {
            None => Ok(Self::None),
            Some((data, None)) => Ok(Self::Bytes(data.as_bytes().to_vec())),
            Some((_, Some(""))) => Err(Failure::usage("`-d @` names no file").hint("-d @FILE,  or  -d @-  for stdin")),
            Some((_, Some("-"))) => {
                let stdin = stdin().map_err(|error| unreadable("standard input", &error))?;
                stream(Box::new(stdin), "standard input")
            }
            Some((_, Some(path))) => file(Path::new(path)),
        }
    }

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether it can be sent again.
    pub fn is_replayable(&self) -> bool {
        !matches!(self, Self::Once(_))
    }

    /// The bytes that a signature covers; `None` for those that are not at hand as a whole. The parameters of a form are
    /// signed wherever they are (RFC 5849 §3.4.1.3.1).
    ///
    /// # Errors
    /// A form that cannot be read, or not twice.
    pub fn covered(&mut self, is_form: bool) -> Result<Option<&[u8]>, Failure> {
        if let (true, Self::File(path)) = (is_form, &*self) {
            // Kept, so that what is sent is what was signed, whatever becomes of the file.
            let bytes = std::fs::read(path).map_err(|error| unreadable(&path.display().to_string(), &error))?;
            *self = Self::Bytes(bytes);
        }
        match self {
            Self::None => Ok(Some(&[])),
            Self::Bytes(bytes) => Ok(Some(bytes)),
            Self::Once(_) if is_form => {
                Err(Failure::usage("a form must be signed, and this one can be read only once").hint("-d @FILE"))
            }
            Self::File(_) | Self::Once(_) => Ok(None),
        }
    }

    /// The body for one request.
    ///
    /// # Errors
    /// A file that cannot be read any more; a body that was sent already.
    pub fn upload(&mut self) -> Result<Upload, Failure> {
        match self {
            Self::None => Ok(Upload::Bytes(Vec::new())),
            Self::Bytes(bytes) => Ok(Upload::Bytes(bytes.clone())),
            Self::File(path) => {
                let name = path.display().to_string();
                let failed = |error| unreadable(&name, &error);
                let file = File::open(&*path).map_err(failed)?;
                let length = file.metadata().map_err(failed)?.len();
                Ok(Upload::Source { reader: Box::new(file.take(length)), name, length: Some(length) })
            }
            Self::Once(upload) => {
                upload.take().ok_or_else(|| Failure::usage("the body can be read only once, and was sent already"))
            }
        }
    }
}

fn file(path: &Path) -> Result<Body, Failure> {
    let name = path.display().to_string();
    let failed = |error| unreadable(&name, &error);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    // Files without a length of their own, as in /proc, count as streams.
    if metadata.is_file() && metadata.len() > 0 {
        return Ok(Body::File(path.to_owned()));
    }
    stream(Box::new(file), &name)
}

/// A body whose end is not known: all of it, if that is little, else what was read and the rest.
fn stream(mut reader: Box<dyn Read + Send>, name: &str) -> Result<Body, Failure> {
    let mut kept = Vec::new();
    (&mut reader).take(KEPT as u64 + 1).read_to_end(&mut kept).map_err(|error| unreadable(name, &error))?;
    if kept.len() <= KEPT {
        return Ok(Body::Bytes(kept));
    }
    let reader = Box::new(Cursor::new(kept).chain(reader));
    Ok(Body::Once(Some(Upload::Source { reader, name: name.to_owned(), length: None })))
}

/// Standard input as a file of its own, without the buffer that the standard library puts before it.
fn stdin() -> io::Result<File> {
    #[cfg(unix)]
    return Ok(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?.into());
    #[cfg(windows)]
    return Ok(std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?.into());
    #[cfg(not(any(unix, windows)))]
    return Err(io::ErrorKind::Unsupported.into());
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("{name} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use keyfob::system::http::stream::Upload;

    use super::{Body, KEPT, stream};

    fn sent(body: &mut Body) -> Vec<u8> {
        match body.upload().unwrap() {
            Upload::Bytes(bytes) => bytes,
            Upload::Source { mut reader, .. } => {
                let mut bytes = Vec::new();
                reader.read_to_end(&mut bytes).unwrap();
                bytes
            }
        }
    }

    #[test]
    fn a_stream_is_kept_up_to_the_bound_and_sent_once_beyond_it() {
        let all = |length: usize| (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>();
        for (length, replayable) in [(0, true), (KEPT, true), (KEPT + 1, false), (3 * KEPT, false)] {
            let mut body = stream(Box::new(std::io::Cursor::new(all(length))), "a test").unwrap();

            assert_eq!(body.is_replayable(), replayable, "{length}");
            assert!(sent(&mut body) == all(length), "{length}");
            assert_eq!(body.upload().is_ok(), replayable, "{length}");
        }
    }
}
