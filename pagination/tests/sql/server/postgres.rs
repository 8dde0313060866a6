//! A PostgreSQL.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use super::{Server, as_user, folder, make, program};

static SERVER: LazyLock<Server> = LazyLock::new(start);

const USER: &str = "postgres";

/// Where to connect to.
pub(crate) fn url() -> String {
    format!("postgres:///postgres?host={}&user={USER}", SERVER.folder.display())
}

fn start() -> Server {
    let folder = folder("postgres");
    let data = folder.join("data");
    let mut initdb = command("initdb");
    initdb.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]);
    initdb.args(["--username", USER, "--pgdata"]).arg(&data);
    make(initdb);
    let mut server = command("postgres");
    server.arg("-D").arg(&data).args(["-F", "-c", "listen_addresses=", "-c"]);
    server.args(["logging_collector=off", "-k"]).arg(&folder);
    Server::start(folder, &server, "ready to accept connections")
}

/// Debian keeps the programs of each version in a folder of its own.
fn command(name: &str) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    as_user(USER, &program(name, versions.map(|version| version.path().join("bin"))))
}
