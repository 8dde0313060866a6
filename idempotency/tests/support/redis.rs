//! A real server, started by the test on a free port of the loopback, and connections that count
//! or spoil what goes over them.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::{
    ConnectionLike, ConnectionManager, ConnectionManagerConfig, MultiplexedConnection,
};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, Value,
};

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(30);
/// To get a port that nobody takes in between.
const ATTEMPTS: usize = 20;
const POLL: Duration = Duration::from_millis(5);

/// A server, killed and forgotten when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: PathBuf,
    options: Vec<String>,
}

impl Server {
    /// A server without persistence.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server that has every write on disk before it replies.
    pub(crate) async fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"]).await
    }

    /// A server with these options.
    pub(crate) async fn with(options: &[&str]) -> Self {
        Self::with_any(|| options.iter().map(|&option| option.to_owned()).collect()).await
    }

    /// A server with options of which each attempt has its own, as where they name a port.
    async fn with_any(options: impl Fn() -> Vec<String>) -> Self {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let (port, dir, options) = (free_port(), fresh_dir(), options());
            let child = spawn(port, &dir, &options);
            let mut server = Self { child, port, dir, options };
            if server.comes_up().await {
                return server;
            }
            // Somebody else took a port in between.
            log = server.log();
        }
        panic!("redis-server does not come up: {log}");
    }

    /// A replica of this server that has caught up with it.
    pub(crate) async fn replica(&self) -> Self {
        let replica = Self::with(&["--replicaof", "127.0.0.1", &self.port.to_string()]).await;
        until("the replica follows", async || {
            replica.info("replication").await.contains("master_link_status:up")
                && self.info("replication").await.contains("state=online")
        })
        .await;
        replica
    }

    /// Makes a replica a primary.
    pub(crate) async fn promote(&self) {
        self.ask::<()>(redis::cmd("REPLICAOF").arg("NO").arg("ONE")).await;
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("kill redis-server");
        self.child.wait().expect("wait for redis-server");
    }

    /// Starts it again, on the same port and the same data.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        for _ in 0..ATTEMPTS {
            self.child = spawn(self.port, &self.dir, &self.options);
            if self.comes_up().await {
                return;
            }
        }
        panic!("redis-server does not come up again: {}", self.log());
    }

    /// Makes the server hang, with its connections open.
    pub(crate) async fn pause(&self) {
        self.signal("-STOP");
        until("the server stands still", async || self.process_state() == Some('T')).await;
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(self.url()).expect("a valid URL")
    }

    /// One socket, which breaks for good when the server goes away, and waits long for replies: a
    /// busy machine is no failure.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        self.try_connect(DEADLINE).await.expect("connect to redis-server")
    }

    /// One socket, which waits for replies only for so long.
    pub(crate) async fn impatient(&self, timeout: Duration) -> MultiplexedConnection {
        self.try_connect(timeout).await.expect("connect to redis-server")
    }

    async fn try_connect(&self, timeout: Duration) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(timeout));
        self.client().get_multiplexed_async_connection_with_config(&config).await
    }

    /// A connection that connects again by itself, without pauses to speak of.
    pub(crate) async fn manager(&self) -> ConnectionManager {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE))
            .set_min_delay(Duration::from_millis(1))
            .set_max_delay(Duration::from_millis(20));
        let manager = ConnectionManager::new_with_config(self.client(), config).await;
        manager.expect("connect to redis-server")
    }

    /// Sends one command over a connection of its own.
    pub(crate) async fn try_ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut connection = self.try_connect(DEADLINE).await?;
        command.query_async(&mut connection).await
    }

    /// Sends one command, which must succeed.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        self.try_ask(command).await.expect("redis-server answers")
    }

    pub(crate) async fn config_set(&self, name: &str, value: &str) {
        self.ask::<()>(redis::cmd("CONFIG").arg("SET").arg(name).arg(value)).await;
    }

    pub(crate) async fn info(&self, section: &str) -> String {
        self.ask(redis::cmd("INFO").arg(section)).await
    }

    /// Waits until this very process answers; `false` when it has ended instead.
    async fn comes_up(&mut self) -> bool {
        let own = format!("process_id:{}\r", self.child.id());
        let up = async {
            loop {
                if self.child.try_wait().expect("ask for redis-server").is_some() {
                    return false;
                }
                let info = self.try_ask::<String>(redis::cmd("INFO").arg("server")).await;
                // INFO is answered while data are still being loaded, PING is not.
                if info.is_ok_and(|info| info.contains(&own))
                    && self.try_ask::<()>(&redis::cmd("PING")).await.is_ok()
                {
                    return true;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(DEADLINE, up).await.expect("redis-server answers in time")
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().expect("run kill");
        assert!(status.success(), "kill {signal} {pid}");
    }

    /// `T` when stopped. `None` where there is no /proc: then the signal must do by itself.
    fn process_state(&self) -> Option<char> {
        let stat = match fs::read_to_string(format!("/proc/{}/stat", self.child.id())) {
            Ok(stat) => stat,
            Err(_) => return Some('T'),
        };
        stat.rsplit_once(") ")?.1.chars().next()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn spawn(port: u16, dir: &PathBuf, options: &[String]) -> Child {
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let spawned = Command::new(&program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--logfile", "log", "--repl-diskless-sync-delay", "0"])
        .arg("--dir")
        .arg(dir)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "{} is not there: install the package redis-server (Debian, Ubuntu) or redis, or name \
             the program in REDIS_SERVER",
            program.display()
        ),
        Err(error) => panic!("{}: {error}", program.display()),
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind to the loopback");
    listener.local_addr().expect("a bound address").port()
}

fn fresh_dir() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("stonework-redis-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&dir).expect("create a temporary directory");
    dir
}

/// Polls until it is so.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let poll = async {
        while !so().await {
            tokio::time::sleep(POLL).await;
        }
    };
    if tokio::time::timeout(DEADLINE, poll).await.is_err() {
        panic!("waited in vain until {what}");
    }
}

/// Three primaries that share the slots.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        let bus = || ["--cluster-port".to_owned(), free_port().to_string()];
        let options = || [&bus()[..], &["--cluster-enabled".to_owned(), "yes".to_owned()]].concat();
        let mut nodes = Vec::<Server>::new();
        for slots in [["0", "5460"], ["5461", "10922"], ["10923", "16383"]] {
            let node = Server::with_any(options).await;
            node.ask::<()>(redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(&slots)).await;
            // Nodes that meet with equal epochs have to settle them first.
            let epoch = nodes.len() + 1;
            node.ask::<()>(redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(epoch)).await;
            nodes.push(node);
        }
        for node in nodes.iter().skip(1) {
            let mut meet = redis::cmd("CLUSTER");
            meet.arg("MEET").arg("127.0.0.1").arg(node.port()).arg(&node.options[1]);
            nodes[0].ask::<()>(&meet).await;
        }
        let cluster = Self { nodes };
        for node in &cluster.nodes {
            until("the cluster is whole", async || {
                let info: String = node.ask(redis::cmd("CLUSTER").arg("INFO")).await;
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
            .await;
        }
        cluster
    }

    /// A connection that was told of one node and finds the others.
    pub(crate) async fn connection(&self) -> ClusterConnection {
        let client = ClusterClient::builder([self.nodes[0].url()])
            .response_timeout(DEADLINE)
            .connection_timeout(DEADLINE)
            .build()
            .expect("a valid URL");
        client.get_async_connection().await.expect("connect to the cluster")
    }
}

/// Counts the round trips of a connection and its clones.
#[derive(Clone, Debug)]
pub(crate) struct Counting<C> {
    inner: C,
    count: Arc<AtomicUsize>,
}

impl<C> Counting<C> {
    pub(crate) fn new(inner: C) -> Self {
        Self { inner, count: Arc::default() }
    }

    /// Round trips since the last call.
    pub(crate) fn take(&self) -> usize {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl<C: ConnectionLike> ConnectionLike for Counting<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.req_packed_command(cmd)
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

/// Sends every command twice and loses the first reply, as a client library that reconnects does.
#[derive(Clone, Debug)]
pub(crate) struct Twice<C>(pub(crate) C);

impl<C: ConnectionLike + Send> ConnectionLike for Twice<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let _ = self.0.req_packed_command(cmd).await;
            self.0.req_packed_command(cmd).await
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.0.get_db()
    }
}
