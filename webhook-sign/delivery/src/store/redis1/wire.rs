//! What the scripts are told, and what they answer.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use redis::{Cmd, Value};
use stonework_core::{StoreError, StoreErrorKind};
use stonework_webhook_sign::MessageId;

use crate::store::{
    Ack, Became, Claimed, Counts, Cursor, Dead, EndpointEffect, EndpointState, Enqueued, Entry,
    Health, Held, Lease, LeaseToken, Leased, Page, Payload, Purged, Requeued, Retry, Settled,
    State, StateKind,
};
use crate::{Attempt, DeadReason, DeliveryId, DisableReason, EndpointId, Patience};

pub(super) const MAX_PAGE: usize = 1_000;

/// A hundred years: more digits would not fit into a number of Lua.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// In microseconds, rounded up.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.min(LONGEST).as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

fn unexpected() -> StoreError {
    StoreError::new(StoreErrorKind::Refused).with_source("the server gave an unexpected reply")
}

type Reply<T> = Result<T, StoreError>;

/// The length of the type, the type, the body.
pub(super) fn payload_bytes(payload: &Payload) -> Vec<u8> {
    let (content_type, body) = (payload.content_type().as_bytes(), payload.body());
    const { assert!(Payload::MAX_CONTENT_TYPE <= u16::MAX as usize) };
    let length = content_type.len() as u16;
    [&length.to_be_bytes(), content_type, body].concat()
}

fn payload(bytes: Vec<u8>) -> Option<Payload> {
    let mut rest = Bytes::from(bytes);
    let length = rest.split_to_checked(2)?;
    let length = u16::from_be_bytes([length[0], length[1]]);
    let content_type = rest.split_to_checked(length.into())?;
    let content_type = HeaderValue::from_maybe_shared(content_type).ok()?;
    Payload::new(content_type, rest).ok()
}

trait SplitChecked {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes>;
}

impl SplitChecked for Bytes {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes> {
        (at <= self.len()).then(|| self.split_to(at))
    }
}

/// How a record is settled.
pub(super) struct Settle {
    attempt: Option<Attempt>,
    state: &'static str,
    time: Duration,
    reason: u8,
    counts: Counts,
    effect: EndpointEffect,
}

impl Settle {
    pub(super) const fn ack(ack: &Ack) -> Self {
        Self {
            attempt: ack.attempt,
            state: letter(StateKind::Delivered),
            time: ack.keep,
            reason: 0,
            counts: Counts::Tried,
            effect: ack.effect,
        }
    }

    pub(super) const fn retry(retry: &Retry) -> Self {
        Self {
            attempt: retry.attempt,
            state: letter(StateKind::Queued),
            time: retry.after,
            reason: 0,
            counts: retry.counts,
            effect: retry.effect,
        }
    }

    pub(super) const fn dead(dead: &Dead) -> Self {
        Self {
            attempt: dead.attempt,
            state: letter(StateKind::Dead),
            time: dead.keep,
            reason: dead.reason.code(),
            counts: Counts::Tried,
            effect: dead.effect,
        }
    }

    pub(super) fn write(&self, call: &mut Cmd) {
        match self.attempt {
            Some(attempt) => call.arg(&attempt.to_bytes()[..]),
            None => call.arg(""),
        };
        let counts = match self.counts {
            Counts::Untried => 0,
            Counts::Tried => 1,
            Counts::Lost => 2,
        };
        call.arg(self.state).arg(micros(self.time)).arg(self.reason).arg(counts);
        let (code, pause, patience) = match self.effect {
            EndpointEffect::None => (0, None, None),
            EndpointEffect::Failed { patience, pause } => (1, pause, Some(patience)),
            EndpointEffect::Throttled { patience, pause } => (2, Some(pause), Some(patience)),
            EndpointEffect::Paused { pause } => (4, Some(pause), None),
            EndpointEffect::Disabled(reason) => {
                call.arg(3).arg(reason.code());
                return;
            }
        };
        call.arg(code).arg(micros_or_none(pause));
        if let Some(patience) = patience {
            bear(call, patience);
        }
    }
}

fn bear(call: &mut Cmd, patience: Patience) {
    let Patience { breaker, disable_after, disable_refusals } = patience;
    call.arg(breaker.threshold()).arg(micros(breaker.first())).arg(micros(breaker.longest()));
    call.arg(micros_or_none(disable_after)).arg(disable_refusals);
    call.arg(DisableReason::Failing.code());
}

/// Or -1.
fn micros_or_none(time: Option<Duration>) -> i64 {
    time.map_or(-1, |time| i64::try_from(micros(time)).unwrap_or(i64::MAX))
}

/// As the scripts write it.
pub(super) const fn letter(state: StateKind) -> &'static str {
    match state {
        StateKind::Queued => "q",
        StateKind::Waiting => "w",
        StateKind::Sending => "l",
        StateKind::Delivered => "s",
        StateKind::Dead => "d",
    }
}

fn int(value: &Value) -> Reply<i64> {
    match value {
        Value::Int(int) => Ok(*int),
        _ => Err(unexpected()),
    }
}

fn number(value: &Value) -> Reply<u32> {
    Ok(u32::try_from(int(value)?.max(0)).unwrap_or(u32::MAX))
}

fn time(value: &Value) -> Reply<Duration> {
    Ok(Duration::from_micros(u64::try_from(int(value)?).unwrap_or_default()))
}

fn bytes(value: Value) -> Reply<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(unexpected()),
    }
}

fn text(value: Value) -> Reply<String> {
    String::from_utf8(bytes(value)?).map_err(|_| unexpected())
}

fn array(value: Value) -> Reply<Vec<Value>> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(unexpected()),
    }
}

fn parts<const N: usize>(value: Value) -> Reply<[Value; N]> {
    array(value)?.try_into().map_err(|_| unexpected())
}

fn id(endpoint: Value, message: Value) -> Reply<DeliveryId> {
    let endpoint = EndpointId::new(text(endpoint)?).map_err(|_| unexpected())?;
    DeliveryId::new(endpoint, MessageId::new(text(message)?)).map_err(|_| unexpected())
}

pub(super) fn enqueued(reply: &Value) -> Reply<Enqueued> {
    match int(reply)? {
        1 => Ok(Enqueued::Queued),
        2 => Ok(Enqueued::Duplicate),
        3 => Ok(Enqueued::Disabled),
        _ => Err(unexpected()),
    }
}

pub(super) fn settled(reply: &Value) -> Reply<Settled> {
    match int(reply)? {
        -1 => Ok(Settled::Lost),
        became => {
            let byte = u8::try_from(became).map_err(|_| unexpected())?;
            Ok(Settled::Done(Became::from_byte(byte)))
        }
    }
}

pub(super) fn held(reply: &Value) -> Reply<Held> {
    match int(reply)? {
        0 => Ok(Held::Lost),
        1 => Ok(Held::Held),
        _ => Err(unexpected()),
    }
}

pub(super) fn requeued(reply: &Value) -> Reply<Requeued> {
    match int(reply)? {
        0 => Ok(Requeued::NotFound),
        1 => Ok(Requeued::Queued),
        2 => Ok(Requeued::Delivered),
        _ => Err(unexpected()),
    }
}

pub(super) fn claimed(reply: Value, token: LeaseToken) -> Reply<Claimed> {
    let mut values = array(reply)?.into_iter();
    let next = int(&values.next().ok_or_else(unexpected)?)?;
    let leased = values.map(|value| leased(value, token)).collect::<Reply<Vec<_>>>()?;
    Ok(Claimed::new(leased, u64::try_from(next).ok().map(Duration::from_micros)))
}

fn leased(value: Value, token: LeaseToken) -> Reply<Leased> {
    let [endpoint, message, sent, tries, lost] = parts(value)?;
    let incompatible = || StoreError::new(StoreErrorKind::Incompatible);
    let payload = payload(bytes(sent)?).ok_or_else(incompatible)?;
    let lease = Lease::new(id(endpoint, message)?, token);
    Ok(Leased { lost: number(&lost)?, ..Leased::new(lease, payload, number(&tries)?) })
}

pub(super) fn endpoint(reply: Value) -> Reply<EndpointState> {
    let [sending, paused, disabled, failures, refusals, failing, probing] = parts(reply)?;
    let paused_for = Some(time(&paused)?).filter(|paused| !paused.is_zero());
    Ok(EndpointState {
        sending: number(&sending)?,
        paused_for,
        disabled: disable_reason(int(&disabled)?),
        health: Health {
            failures: number(&failures)?,
            refusals: number(&refusals)?,
            failing_for: time(&failing)?,
            is_probing: int(&probing)? == 1,
        },
    })
}

/// One that a later version wrote still disables.
fn disable_reason(code: i64) -> Option<DisableReason> {
    match u8::try_from(code) {
        Ok(0) => None,
        Ok(code) => Some(DisableReason::from_code(code).unwrap_or(DisableReason::Manual)),
        Err(_) => Some(DisableReason::Manual),
    }
}

pub(super) fn page(reply: Value) -> Reply<Page> {
    let mut values = array(reply)?.into_iter();
    let next = bytes(values.next().ok_or_else(unexpected)?)?;
    let entries = values.map(entry).collect::<Reply<Vec<_>>>()?;
    Ok(Page::new(entries, (!next.is_empty()).then(|| Cursor::from_bytes(next))))
}

pub(super) fn purged(reply: Value) -> Reply<Purged> {
    let [removed, more] = parts(reply)?;
    Ok(Purged::new(number(&removed)? as usize, int(&more)? == 1))
}

fn entry(value: Value) -> Reply<Entry> {
    let [endpoint, message, state, due, tries, reason, age, log] = parts(value)?;
    let state = match &bytes(state)?[..] {
        b"q" => State::Queued { due_in: time(&due)? },
        b"w" => State::Waiting,
        b"l" => State::Sending,
        b"s" => State::Delivered,
        b"d" => State::Dead(dead_reason(int(&reason)?)),
        _ => return Err(unexpected()),
    };
    let log = bytes(log)?;
    let attempts = log.as_chunks().0.iter().copied().map(Attempt::from_bytes).collect();
    let entry = Entry::new(id(endpoint, message)?, state, time(&age)?);
    Ok(Entry { tries: number(&tries)?, attempts, ..entry })
}

fn dead_reason(code: i64) -> DeadReason {
    let known = u8::try_from(code).ok().and_then(DeadReason::from_code);
    known.unwrap_or(DeadReason::Exhausted)
}
