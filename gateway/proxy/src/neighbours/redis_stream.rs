//! The exchange through a Redis server: changes in a stream that every gateway writes and reads, quotas as sums.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_policy::ports::QuotaUse;
use redis::streams::StreamReadReply;

use super::{EXCHANGE_INTERVAL, Exchange};
use crate::ports::quotas::{QuotaCounters, Untold};
use crate::redis::link::Link;

/// How often the sums of quotas are told and asked for.
pub const QUOTA_INTERVAL: Duration = Duration::from_secs(1);
/// Rounds for which a quota that was looked at is asked for.
const QUOTA_ROUNDS: u64 = 60;
/// Entries kept in the stream, about.
const STREAM_MAX: usize = 10_000;
const READ_MAX: usize = 1000;
/// No window of a rate limit is longer (`policies.md` §10).
const WINDOW_MAX: Duration = Duration::from_mins(5);
/// For the server to answer; nobody waits for it but this task.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// A sum stays so long behind the end of its window.
const SUM_KEPT: i64 = 3600;
const QUOTA_PREFIX: &str = "gateway:quota:";
/// Sets a sum; whoever comes second with the same changes nothing.
const SET_ONCE: &str = "if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then \
                        redis.call('HSET', KEYS[1], 'count', ARGV[1], 'bytes', ARGV[2]) end";

/// Exchanges rate counters until dropped. `stream` is the key that the gateways have in common.
pub async fn run_rates(link: Rc<Link>, stream: String, mut exchange: Exchange) {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // A gateway that starts learns of the windows that are open; clocks of hosts and server may differ a little.
    let mut last = since.saturating_sub(WINDOW_MAX).as_millis().to_string();
    loop {
        tokio::time::sleep(EXCHANGE_INTERVAL).await;
        let datagrams = exchange.changes();
        let (key, from) = (stream.clone(), last.clone());
        let answer: Option<StreamReadReply> = link
            .ask(ANSWER_MAX, async move |mut connection| {
                let mut pipeline = redis::pipe();
                for datagram in datagrams {
                    let add = pipeline.cmd("XADD").arg(&key).arg("MAXLEN").arg("~").arg(STREAM_MAX);
                    add.arg("*").arg("d").arg(datagram).ignore();
                }
                pipeline.cmd("PEXPIRE").arg(&key).arg(2 * WINDOW_MAX.as_millis() as u64).ignore();
                pipeline.cmd("XREAD").arg("COUNT").arg(READ_MAX).arg("STREAMS").arg(&key).arg(from);
                let (read,): (Option<StreamReadReply>,) = pipeline.query_async(&mut connection).await?;
                Ok(read.unwrap_or_default())
            })
            .await;
        for entry in answer.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
            if let Some(datagram) = entry.get::<Vec<u8>>("d") {
                exchange.take_kept(&datagram);
            }
            last = entry.id;
        }
    }
}

/// Adds what this gateway has counted to the sums of all, and takes those over, until dropped.
pub async fn run_quotas(link: Rc<Link>, quotas: Arc<QuotaCounters>) {
    loop {
        tokio::time::sleep(QUOTA_INTERVAL).await;
        tell_quotas(&link, &quotas).await;
    }
}

/// One round.
pub async fn tell_quotas(link: &Rc<Link>, quotas: &QuotaCounters) {
    let untold = quotas.take_untold(QUOTA_ROUNDS);
    if untold.is_empty() {
        return;
    }
    let told = untold.clone();
    let sums: Option<Vec<(u64, u64)>> = link
        .ask(ANSWER_MAX, async move |mut connection| {
            let mut pipeline = redis::pipe();
            for quota in &told {
                add_to_sum(quota, &mut pipeline);
            }
            let flat: Vec<u64> = pipeline.query_async(&mut connection).await?;
            Ok(flat.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
        })
        .await;
    match sums {
        Some(sums) if sums.len() == untold.len() => {
            for (quota, (count, bytes)) in untold.iter().zip(sums) {
                quotas.learn(quota, QuotaUse { count, bytes });
            }
        }
        // Told again the next time; a server that did take it counts it twice, to the caller's disadvantage.
        _ => untold.iter().for_each(|quota| quotas.give_back(quota)),
    }
}

fn add_to_sum(Untold { key, window, more, set }: &Untold, pipeline: &mut redis::Pipeline) {
    let name = format!("{QUOTA_PREFIX}{}:{key}", window.start);
    if let Some((to, time)) = set {
        let mark = format!("{QUOTA_PREFIX}set:{time}:{}:{key}", window.start);
        let once = pipeline.cmd("EVAL").arg(SET_ONCE).arg(2).arg(&name).arg(mark);
        once.arg(to.count).arg(to.bytes).arg(SUM_KEPT).ignore();
    }
    pipeline.cmd("HINCRBY").arg(&name).arg("count").arg(more.count);
    pipeline.cmd("HINCRBY").arg(&name).arg("bytes").arg(more.bytes);
    if let Some(end) = window.end {
        pipeline.cmd("EXPIREAT").arg(&name).arg(end.saturating_add(SUM_KEPT)).ignore();
    }
}
