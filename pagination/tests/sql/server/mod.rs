//! Servers of databases on sockets of their own, one of each for all tests of the program.

pub(crate) mod mariadb;
pub(crate) mod postgres;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends with the program: a watcher ends it when the program's end of a pipe is gone.
struct Server {
    folder: PathBuf,
    _watcher: Child,
}

impl Server {
    /// Starts a command that serves from this folder, and waits until it says that it is ready.
    fn start(folder: PathBuf, server: &Command, ready: &str) -> Self {
        let mut watcher = watched(server, &folder).spawn().unwrap();
        let mut said = Vec::new();
        let lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
        let is_ready = lines.map(Result::unwrap).any(|line| {
            said.push(line);
            said.last().is_some_and(|line| line.contains(ready))
        });
        assert!(is_ready, "{server:?} has ended: {said:#?}");
        Self { folder, _watcher: watcher }
    }
}

/// Statics are not dropped, so a shell waits for the end of its input, and takes the server and its files away.
fn watched(server: &Command, folder: &Path) -> Command {
    const SCRIPT: &str = r#"exec 3<&0
        "$@" 2>&1 3<&- & server=$!
        exec >/dev/null 2>&1
        cat <&3; kill -9 $server; wait $server; rm -rf "$FOLDER""#;
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(server.get_program())
        .args(server.get_args())
        .env("FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A folder for a server and its socket, which any user may write to.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("stonework-{name}-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// Makes what a server starts with.
fn make(mut command: Command) {
    let made = command.output().unwrap();
    let said = [made.stdout, made.stderr].concat();
    assert!(made.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// The newest program of this name in these folders, which may not be in the path; else that of the path.
fn program(name: &str, folders: impl Iterator<Item = PathBuf>) -> PathBuf {
    let found = folders.map(|folder| folder.join(name)).filter(|path| path.exists());
    found.max().unwrap_or_else(|| name.into())
}

/// A command that is this user's where the tests are root's, whom servers refuse.
fn as_user(user: &str, program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}
