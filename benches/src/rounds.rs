/// What subjects that took turns did, round by round.
#[derive(Clone, Debug)]
pub struct Rounds<T = f64>(Vec<Vec<T>>);

impl<T> Rounds<T> {
    /// All subjects in turn, so that whatever disturbs the machine disturbs them all.
    pub fn of<S>(count: usize, subjects: &mut [S], mut turn: impl FnMut(&mut S) -> T) -> Self {
        let mut round = || subjects.iter_mut().map(&mut turn).collect();
        Self((0..count).map(|_| round()).collect())
    }

    /// The median of a figure that each round has.
    ///
    /// # Panics
    ///
    /// If there was no round.
    pub fn median(&self, figure: impl Fn(&[T]) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.0.iter().map(|round| figure(round)).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }
}
