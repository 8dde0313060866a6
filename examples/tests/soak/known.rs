use std::sync::{Mutex, PoisonError};

use super::flood::random;

const MOST: usize = 2_000;

/// Some of what was there before, to come back with: of all ages.
pub(crate) struct Known<T>(Mutex<Vec<T>>);

impl<T: Clone> Known<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn put(&self, new: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(new);
        } else {
            all[random(MOST)] = new;
        }
    }

    pub(crate) fn any(&self) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() { None } else { Some(all[random(all.len())].clone()) }
    }
}
