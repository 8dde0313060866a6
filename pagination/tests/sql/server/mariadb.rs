//! A MariaDB.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::{Server, as_user, folder, make, program};

static SERVER: LazyLock<Server> = LazyLock::new(start);

/// Where to connect to: the host is not asked for where there is a socket.
pub(crate) fn url() -> String {
    format!("mysql://root@localhost/test?socket={}", SERVER.folder.join("socket").display())
}

fn start() -> Server {
    let folder = folder("mariadb");
    let data = ["--datadir=", &folder.join("data").display().to_string()].concat();
    let mut install = command("mariadb-install-db");
    // Root needs no password, and there is a database `test`.
    install.args(["--no-defaults", "--auth-root-authentication-method=normal", &data]);
    make(install);
    let mut server = command("mariadbd");
    server.args(["--no-defaults", &data, "--skip-networking", "--skip-log-bin"]);
    // What it has to keep is gone with the program.
    server.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-use-native-aio=0"]);
    server.arg(["--socket=", &folder.join("socket").display().to_string()].concat());
    server.arg(["--tmpdir=", &folder.display().to_string()].concat());
    Server::start(folder, &server, "ready for connections")
}

/// Debian keeps the server out of the path of those who are not root.
fn command(name: &str) -> Command {
    as_user("mysql", &program(name, ["/usr/bin", "/usr/sbin"].into_iter().map(PathBuf::from)))
}
