//! Clients that race, leave and retry; a history of what happened; and what must hold of it.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use stonework_core::NotExecuted;
use stonework_idempotency::IdempotencyLayer;

use crate::app::{App, Incoming, app, send_key};

/// What the handlers did and the clients saw, per key.
#[derive(Debug, Default)]
pub struct History {
    pub effects: HashMap<String, Vec<u64>>,
    pub answers: HashMap<String, Vec<String>>,
}

type Shared = Arc<Mutex<History>>;

/// A stream of numbers that looks random and is the same each time.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A handler that has an effect and then does one of what handlers do.
fn transfer(layer: &IdempotencyLayer, history: Shared, seed: u64) -> App {
    let dice = Arc::new(Mutex::new(Dice(seed)));
    app(layer, move |request: Incoming| {
        let (history, dice) = (Arc::clone(&history), Arc::clone(&dice));
        async move {
            let (fate, id) = {
                let mut dice = dice.lock().unwrap();
                (dice.roll(10), dice.roll(u64::MAX))
            };
            if fate == 0 {
                let mut refusal = Response::new(Full::<Bytes>::default());
                refusal.extensions_mut().insert(NotExecuted);
                return refusal;
            }
            for _ in 0..fate {
                tokio::task::yield_now().await;
            }
            let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
            history.lock().unwrap().effects.entry(key).or_default().push(id);
            for _ in 0..fate * 3 {
                tokio::task::yield_now().await;
            }
            assert!(fate != 1, "a panic that the history wants");
            Response::builder().status(201).body(Full::from(id.to_string())).unwrap()
        }
    })
}

/// Runs `clients` against the layers, `rounds` requests each, over `keys` keys.
pub async fn run(
    layers: &[IdempotencyLayer],
    seed: u64,
    clients: u64,
    rounds: u64,
    keys: u64,
) -> History {
    let history = Shared::default();
    let apps: Vec<_> = layers
        .iter()
        .zip(1..)
        .map(|(layer, n)| transfer(layer, Arc::clone(&history), seed.wrapping_mul(n) | 1))
        .collect();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let (apps, history) = (apps.clone(), Arc::clone(&history));
            let dice = Dice(seed.wrapping_add(client).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            tokio::spawn(async move { act(apps, history, dice, rounds, keys).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for layer in layers {
        layer.tracker().drained().await;
    }
    std::mem::take(&mut history.lock().unwrap())
}

async fn act(apps: Vec<App>, history: Shared, mut dice: Dice, rounds: u64, keys: u64) {
    for _ in 0..rounds {
        let app = apps[dice.roll(apps.len() as u64) as usize].clone();
        let key = format!("key-{}", dice.roll(keys));
        let request = tokio::spawn({
            let key = key.clone();
            async move { send_key(&app, &key).await }
        });
        if dice.roll(3) == 0 {
            for _ in 0..dice.roll(20) {
                tokio::task::yield_now().await;
            }
            request.abort();
        }
        if let Ok(answer) = request.await
            && answer.status == StatusCode::CREATED
        {
            let text = answer.text().to_owned();
            history.lock().unwrap().answers.entry(key).or_default().push(text);
        }
    }
}

/// Under `Abandoned::Reject`: at most one effect per key, and one answer, which is that effect's.
pub fn check(history: &History) {
    for (key, effects) in &history.effects {
        assert_eq!(effects.len(), 1, "{key} took effect more than once: {effects:?}");
    }
    for (key, answers) in &history.answers {
        let effect = history.effects[key][0].to_string();
        assert!(answers.iter().all(|answer| *answer == effect), "{key}: {answers:?}");
    }
}
