//! The work itself: an image is made another size, step by step. Nothing here waits, or knows of jobs.

use std::io::Cursor;

use axum::body::Bytes;
use image::error::ImageError;
use image::imageops::{FilterType, crop_imm, replace, resize};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage};

use crate::job::{Fault, Format, Order};

/// Of a result, in pixels; each side.
pub(crate) const LARGEST_SIDE: u32 = 2_048;

/// Of an image that comes in. What says that it is larger is not decoded.
const LARGEST_SOURCE_SIDE: u32 = 8_192;
const LARGEST_SOURCE: u64 = 16 * 1024 * 1024;

/// What a decoder may take: the pixels, 16 bits of four colours each, and something for itself.
const DECODER_BYTES: u64 = 8 * LARGEST_SOURCE + 16 * 1024 * 1024;

/// In so many bands rows are made another width, and columns another height.
const BANDS: u32 = 16;

/// Why no job is made of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It does not begin as one of this format does.
    NotAnImage,
    /// It says that it has so many pixels, however few bytes it has.
    TooLarge,
}

/// Looks at the beginning of an image. Whether the rest is one, decoding will tell.
pub(crate) fn check(image: &[u8], format: Format) -> Result<(), Unfit> {
    decoder(image, format).map(|_| ())
}

fn decoder(image: &[u8], format: Format) -> Result<impl ImageDecoder + '_, Unfit> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_SOURCE_SIDE);
    limits.max_image_height = Some(LARGEST_SOURCE_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(image), format.codec());
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| match error {
        ImageError::Limits(_) => Unfit::TooLarge,
        _ => Unfit::NotAnImage,
    })?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Unfit::NotAnImage);
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > LARGEST_SOURCE { Err(Unfit::TooLarge) } else { Ok(decoder) }
}

/// What is left to do.
///
/// Rows are made another width first, band by band, and then columns another height. In the other direction each band
/// stays as it is, so that together they are what the whole would have been in two passes.
pub(crate) struct Work {
    order: Order,
    stage: Stage,
    done: u32,
}

enum Stage {
    Decode(Bytes),
    Rows { source: RgbaImage, wide: RgbaImage, at: u32 },
    Columns { wide: RgbaImage, result: RgbaImage, at: u32 },
    Encode(RgbaImage),
}

/// What has become of it.
pub(crate) enum Step {
    More(Work),
    Done(Vec<u8>),
}

impl Work {
    pub(crate) const fn new(image: Bytes, order: Order) -> Self {
        Self { order, stage: Stage::Decode(image), done: 0 }
    }

    /// In percent; 100 only after the last step.
    pub(crate) fn progress(&self) -> u8 {
        // Decoding, both kinds of bands, encoding.
        let percent = self.done * 100 / (2 * BANDS + 2);
        percent.try_into().unwrap_or(99).min(99)
    }

    /// Some milliseconds of a processor's time, more for the first and the last.
    pub(crate) fn step(self) -> Result<Step, Fault> {
        let Self { order, stage, done } = self;
        let stage = match stage {
            Stage::Decode(image) => decode(&image, &order)?,
            Stage::Rows { source, wide, at } => rows(source, wide, at, &order),
            Stage::Columns { wide, result, at } => columns(wide, result, at),
            Stage::Encode(result) => return encode(result, order.format).map(Step::Done),
        };
        Ok(Step::More(Self { order, stage, done: done + 1 }))
    }
}

fn decode(image: &[u8], order: &Order) -> Result<Stage, Fault> {
    let broken = |_| Fault::BrokenImage;
    let mut decoder = decoder(image, order.format).map_err(|_| Fault::BrokenImage)?;
    // Cameras write what is upright in another place.
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    let source = image.into_rgba8();
    let wide = RgbaImage::new(order.width, source.height());
    Ok(Stage::Rows { source, wide, at: 0 })
}

fn rows(source: RgbaImage, mut wide: RgbaImage, at: u32, order: &Order) -> Stage {
    let (from, to) = band(at, source.height());
    if from < to {
        let rows = crop_imm(&source, 0, from, source.width(), to - from);
        let rows = resize(&*rows, order.width, to - from, FilterType::Lanczos3);
        replace(&mut wide, &rows, 0, from.into());
    }
    match at + 1 {
        BANDS => Stage::Columns { wide, result: RgbaImage::new(order.width, order.height), at: 0 },
        at => Stage::Rows { source, wide, at },
    }
}

fn columns(wide: RgbaImage, mut result: RgbaImage, at: u32) -> Stage {
    let (from, to) = band(at, wide.width());
    if from < to {
        let columns = crop_imm(&wide, from, 0, to - from, wide.height());
        let columns = resize(&*columns, to - from, result.height(), FilterType::Lanczos3);
        replace(&mut result, &columns, from.into(), 0);
    }
    match at + 1 {
        BANDS => Stage::Encode(result),
        at => Stage::Columns { wide, result, at },
    }
}

/// The rows or columns of one band: from the first one to before the other.
const fn band(at: u32, of: u32) -> (u32, u32) {
    (of * at / BANDS, of * (at + 1) / BANDS)
}

fn encode(result: RgbaImage, format: Format) -> Result<Vec<u8>, Fault> {
    let result = DynamicImage::ImageRgba8(result);
    let result = match format {
        // It knows nothing of transparency.
        Format::Jpeg => DynamicImage::ImageRgb8(result.into_rgb8()),
        Format::Png => result,
    };
    let mut bytes = Cursor::new(Vec::new());
    result.write_to(&mut bytes, format.codec()).map_err(|_| Fault::Internal)?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Tag;
    use image::{Rgba, RgbaImage};

    fn order(width: u32, height: u32, format: Format) -> Order {
        Order { width, height, format, digest: Tag::of(b""), pause_ms: 0 }
    }

    fn picture(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, y| {
            let shade = |of: u32| u8::try_from(of % 256).unwrap();
            Rgba([shade(x * 3), shade(y * 5), shade(x * y), 255])
        })
    }

    fn png(image: &RgbaImage) -> Bytes {
        encode(image.clone(), Format::Png).unwrap().into()
    }

    fn done(mut work: Work) -> Result<RgbaImage, Fault> {
        let format = work.order.format;
        let mut last = 0;
        loop {
            assert!((last..100).contains(&work.progress()));
            last = work.progress();
            match work.step()? {
                Step::More(more) => work = more,
                Step::Done(bytes) => {
                    let image = image::load_from_memory_with_format(&bytes, format.codec());
                    return Ok(image.unwrap().into_rgba8());
                }
            }
        }
    }

    /// At the edge of a band a filter may be rounded otherwise.
    #[test]
    fn bands_are_together_what_two_passes_over_the_whole_are() {
        let source = picture(97, 61);
        for (width, height) in [(40, 30), (1, 1), (97, 61), (7, 90), (200, 3), (130, 130)] {
            let work = Work::new(png(&source), order(width, height, Format::Png));
            let result = done(work).unwrap();
            assert_eq!(result.dimensions(), (width, height));
            let wide = resize(&source, width, source.height(), FilterType::Lanczos3);
            let whole = resize(&wide, width, height, FilterType::Lanczos3);
            for (here, there) in result.as_raw().iter().zip(whole.as_raw()) {
                assert!(here.abs_diff(*there) <= 1, "{width}x{height}: {here} and {there}");
            }
        }
    }

    #[test]
    fn a_jpeg_stays_one() {
        let source = encode(picture(64, 64), Format::Jpeg).unwrap();
        assert_eq!(check(&source, Format::Jpeg), Ok(()));
        let work = Work::new(source.into(), order(20, 10, Format::Jpeg));
        assert_eq!(done(work).unwrap().dimensions(), (20, 10));
    }

    #[test]
    fn what_is_cut_off_is_seen_when_it_is_decoded() {
        let whole = png(&picture(64, 64));
        let half = whole.slice(..whole.len() / 2);
        assert_eq!(check(&half, Format::Png), Ok(()));
        assert_eq!(done(Work::new(half, order(8, 8, Format::Png))), Err(Fault::BrokenImage));
        for format in [Format::Png, Format::Jpeg] {
            assert_eq!(check(&whole[..7], format), Err(Unfit::NotAnImage));
            assert_eq!(check(b"", format), Err(Unfit::NotAnImage));
        }
        assert_eq!(check(&whole, Format::Jpeg), Err(Unfit::NotAnImage));
    }

    /// The size stands in the first chunk: width and height, then other fields, then a checksum of all.
    #[test]
    fn what_says_that_it_is_too_large_is_not_decoded() {
        for (width, height, expected) in [
            (65_535, 65_535, Unfit::TooLarge),
            (8_192, 8_192, Unfit::TooLarge),
            (1, 8_193, Unfit::TooLarge),
            (0, 1, Unfit::NotAnImage),
        ] {
            let mut bomb = png(&picture(1, 1)).to_vec();
            bomb[16..20].copy_from_slice(&u32::to_be_bytes(width));
            bomb[20..24].copy_from_slice(&u32::to_be_bytes(height));
            let sum = crc32(&bomb[12..29]);
            bomb[29..33].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(check(&bomb, Format::Png), Err(expected), "{width}x{height}");
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
    }

    #[test]
    fn bands_leave_nothing_out() {
        for of in [1, 2, 15, 16, 17, 97, 8_192] {
            let mut next = 0;
            for at in 0..BANDS {
                let (from, to) = band(at, of);
                assert_eq!(from, next);
                next = to;
            }
            assert_eq!(next, of);
        }
    }
}
