//! A child process that ends with the tests.
//!
//! Statics are never dropped and a killed test binary runs no destructors, so each child hangs on a
//! pipe: its supervisor, a shell, reads it, and when the last writer is gone it kills the child.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// `$@` is the child. Descriptor 3 is the pipe; the child itself must not hold it.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ cat <&3 >/dev/null; kill -s TERM $child; sleep 10; kill -s KILL $child; } 2>/dev/null &
watcher=$!
wait $child
code=$?
kill -s TERM $watcher 2>/dev/null
exit $code
"#;

/// A running child, its log in a file.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    /// The pipe: closing it ends the child.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; both its outputs go to `<name>.log` in `folder`, after what an earlier run of that name wrote.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = S>,
        folder: &Path,
    ) -> Self {
        Self::start_with(name, program, args, folder, |_| {})
    }

    /// As [`Process::start`], with more said about the command: its environment, say.
    pub(crate) fn start_with<S: AsRef<std::ffi::OsStr>>(
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = S>,
        folder: &Path,
        also: impl FnOnce(&mut Command),
    ) -> Self {
        let log = folder.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log);
        let out = out.unwrap_or_else(|e| panic!("opening {}: {e}", log.display()));
        let err = out.try_clone().expect("a file handle can be cloned");
        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISOR, name])
            .arg(program)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            // A Ctrl-C at the terminal must reach the tests only: they decide the order of the end.
            .process_group(0);
        also(&mut command);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("starting {name}: {e}"));
        let lifeline = child.stdin.take();
        Self { name: name.to_owned(), child, lifeline, log }
    }

    /// Everything it wrote so far.
    pub(crate) fn log(&self) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            // What was read before an error is still worth showing.
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The last lines it wrote, for a message.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// Its exit status, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap_or_else(|e| panic!("asking whether {} has ended: {e}", self.name))
    }

    /// Sends it and its supervisor a signal: `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("sh").args(["-c", "kill -s \"$1\" -- \"$2\"", "kill", name, &group]).status();
        assert!(sent.expect("sh runs").success(), "{} took no SIG{name}", self.name);
    }

    /// Asks it to end (SIGTERM) and waits for it.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        drop(self.lifeline.take());
        let waiting = async {
            loop {
                if let Some(status) = self.ended() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let status = tokio::time::timeout(Duration::from_secs(15), waiting).await;
        status.unwrap_or_else(|_| panic!("{} did not end; it last said:\n{}", self.name, self.last_words()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The whole group at once: nobody waits for good manners any more.
        let group = format!("-{}", self.child.id());
        let killed = Command::new("sh").args(["-c", "kill -s KILL -- \"$1\" 2>/dev/null", "kill", &group]).status();
        // Fails when the group has ended already; then there is nothing to wait for either.
        if killed.is_ok_and(|status| status.success()) {
            let _ = self.child.wait();
        }
    }
}
