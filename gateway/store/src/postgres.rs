//! PostgreSQL: one connection for the work, one that listens for commits of other nodes. Both come again when lost.
//!
//! The row of a service is locked while a commit is decided, so that the order of revisions is that of the commits.

mod figures;
mod read;
mod tls;
mod write;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config};

use self::tls::Tls;
use crate::StoreError;
use crate::figures::sql;

/// Version of the tables below.
const LAYOUT: i64 = 2;
/// Notifications get lost while a connection is down: so often they are made up.
const CATCH_UP: Duration = Duration::from_secs(1);
/// Channel of the notifications.
const CHANNEL: &str = "gateway_commit";

const TABLES: &str = "
    CREATE TABLE meta (name text PRIMARY KEY, value bytea NOT NULL);
    CREATE TABLE service (name text PRIMARY KEY, revision bigint NOT NULL);
    CREATE TABLE document (
        service text NOT NULL, key text NOT NULL, path text NOT NULL, version bigint NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (service, key)
    );
    CREATE TABLE change (
        service text NOT NULL, revision bigint NOT NULL, part bigint NOT NULL, path text NOT NULL, key text NOT NULL,
        PRIMARY KEY (service, revision, part)
    );
    CREATE TABLE audit (
        at bigint NOT NULL, service text NOT NULL, revision bigint NOT NULL, principal text NOT NULL,
        operation text NOT NULL, paths text NOT NULL
    );
    CREATE TABLE instance (
        service text NOT NULL, gateway text NOT NULL, instance text NOT NULL, seen bigint NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (service, gateway, instance)
    );
    INSERT INTO meta (name, value) VALUES
        ('epoch', convert_to((extract(epoch from now()) * 1000)::bigint::text, 'UTF8'));
";

/// The way to the server.
#[derive(Clone, Debug)]
pub struct Postgres {
    server: Arc<Server>,
    client: Arc<Mutex<Client>>,
    commits: watch::Receiver<u64>,
}

/// Where the server is, and how it is spoken to.
#[derive(Debug)]
struct Server {
    config: Config,
    tls: Tls,
}

impl Server {
    /// Encrypted with `sslmode=require`, else not: what falls back to plain text on a word of the other end is no protection.
    fn parse(address: &str) -> Result<Self, StoreError> {
        let (address, root) = tls::without_root(address);
        let mut config = address.parse::<Config>()?;
        if config.get_ssl_mode() != SslMode::Require {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self { config, tls: Tls::new(root.as_deref()).map_err(StoreError::Tls)? })
    }
}

impl Postgres {
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        let server = Arc::new(Server::parse(address)?);
        let mut client = connect(&server).await?;
        make_tables(&mut client).await?;
        let (told, commits) = watch::channel(0);
        tokio::spawn(listen(Arc::clone(&server), told));
        Ok(Self { server, client: Arc::new(Mutex::new(client)), commits })
    }

    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// The connection, made anew where it was lost. Statements of one node go one after the other.
    async fn client(&self) -> Result<MutexGuard<'_, Client>, StoreError> {
        let mut client = self.client.lock().await;
        if client.is_closed() {
            *client = connect(&self.server).await?;
        }
        Ok(client)
    }
}

async fn connect(server: &Server) -> Result<Client, StoreError> {
    let (client, connection) = server.config.connect(server.tls.clone()).await?;
    // Ends with the client, or when the server leaves; the client then says that it is closed.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// Two nodes may start at once: a lock of the server lets one of them make the tables.
async fn make_tables(client: &mut Client) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock(4711)", &[]).await?;
    let exists: Option<String> =
        transaction.query_one("SELECT to_regclass('layout')::text", &[]).await?.get(0);
    if exists.is_none() {
        transaction.batch_execute(TABLES).await?;
        transaction.batch_execute(&sql::TABLES.join(";\n")).await?;
        transaction.batch_execute("CREATE TABLE layout (version bigint NOT NULL)").await?;
        transaction.execute("INSERT INTO layout (version) VALUES ($1)", &[&LAYOUT]).await?;
    }
    let mut found: i64 = transaction.query_one("SELECT version FROM layout", &[]).await?.get(0);
    if found == 1 {
        // The first layout had no reports.
        transaction.batch_execute(&sql::TABLES.join(";\n")).await?;
        transaction.execute("UPDATE layout SET version = $1", &[&LAYOUT]).await?;
        found = LAYOUT;
    }
    if found != LAYOUT {
        return Err(StoreError::Layout { found, known: LAYOUT });
    }
    Ok(transaction.commit().await?)
}

/// Counts up at every notification, and now and then without one, until nobody listens any more.
async fn listen(server: Arc<Server>, told: watch::Sender<u64>) {
    while !told.is_closed() {
        if let Err(error) = listen_once(&server, &told).await {
            tracing::warn!(event_type = "StoreLinkLost", %error, "commits of other nodes are asked for each second");
        }
        told.send_modify(|count| *count += 1);
        tokio::time::sleep(CATCH_UP).await;
    }
}

async fn listen_once(server: &Server, told: &watch::Sender<u64>) -> Result<(), StoreError> {
    let (client, mut connection) = server.config.connect(server.tls.clone()).await?;
    let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
    let subscribe = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        // Held for as long as it listens: dropping it would end the connection.
        std::future::pending::<Result<(), StoreError>>().await
    };
    let follow = async {
        loop {
            match tokio::time::timeout(CATCH_UP, messages.next()).await {
                Ok(Some(message)) => match message? {
                    AsyncMessage::Notification(_) => {}
                    _ => continue,
                },
                Ok(None) => return Ok(()),
                Err(_) if told.is_closed() => return Ok(()),
                Err(_) => {}
            }
            told.send_modify(|count| *count += 1);
        }
    };
    tokio::select! {
        result = subscribe => result,
        result = follow => result,
    }
}
