//! A PostgreSQL server on a socket of its own, for all tests of the program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// The user that it runs as when the tests are root's, whom it refuses.
const USER: &str = "postgres";

/// Ends with the program: a watcher ends it when the program's end of a pipe is gone.
pub(crate) struct Server {
    folder: PathBuf,
    _watcher: Child,
}

impl Server {
    /// Where to connect to.
    pub(crate) fn url() -> String {
        format!("postgres:///postgres?host={}&user={USER}", SERVER.folder.display())
    }

    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("stonework-sql-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let data = folder.join("data");
        let made = as_user(&program("initdb"))
            .args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .args(["--username", USER, "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let watcher = serve(&folder, &data);
        Self { folder, _watcher: watcher }
    }
}

/// Statics are not dropped, so a shell waits for the end of its input, and takes the server and its files away.
fn serve(folder: &Path, data: &Path) -> Child {
    const SCRIPT: &str = r#"exec 3<&0
        "$@" 2>&1 3<&- & server=$!
        exec >/dev/null 2>&1
        cat <&3; kill -9 $server; wait $server; rm -rf "$FOLDER""#;
    let server = as_user(&program("postgres"));
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "sh"])
        .arg(server.get_program())
        .args(server.get_args())
        .arg("-D")
        .arg(data)
        .args(["-F", "-c", "listen_addresses=", "-c", "logging_collector=off"])
        .arg("-k")
        .arg(folder)
        .env("FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map(Result::unwrap).any(|line| {
        said.push(line);
        said.last().is_some_and(|line| line.contains("ready to accept connections"))
    });
    assert!(ready, "postgres has ended: {said:#?}");
    child
}

/// Debian keeps the programs of each version in a folder of its own, and out of the path.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| name.into())
}

/// A command that is not root's.
fn as_user(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
    command.current_dir("/");
    command
}
