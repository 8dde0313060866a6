//! Images, made and looked at.

use std::io::Cursor;

use axum::body::Bytes;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

/// No two regions of it are alike.
pub(crate) fn picture(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let shade = |of: u32, most: u32| u8::try_from(of * 255 / most.max(1)).unwrap_or(255);
        Rgba([shade(x, width), shade(y, height), shade(x + y, width + height), 255])
    })
}

pub(crate) fn encoded(image: &RgbaImage, format: ImageFormat) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgba8(image.clone());
    let image = match format {
        ImageFormat::Jpeg => DynamicImage::ImageRgb8(image.into_rgb8()),
        _ => image,
    };
    image.write_to(&mut bytes, format).expect("it can be encoded");
    bytes.into_inner().into()
}

pub(crate) fn png(width: u32, height: u32) -> Bytes {
    encoded(&picture(width, height), ImageFormat::Png)
}

/// Checks that these bytes are that picture in another size.
#[track_caller]
pub(crate) fn assert_resized(
    bytes: &[u8],
    format: ImageFormat,
    from: [u32; 2],
    to: [u32; 2],
    tolerance: u8,
) {
    let result = image::load_from_memory_with_format(bytes, format).expect("an image").into_rgba8();
    assert_eq!(result.dimensions(), (to[0], to[1]));
    let expected = resize(&picture(from[0], from[1]), to[0], to[1], FilterType::Lanczos3);
    for (at, (here, there)) in result.as_raw().iter().zip(expected.as_raw()).enumerate() {
        assert!(here.abs_diff(*there) <= tolerance, "{here} and not {there} at {at}");
    }
}

/// A PNG that says it has so many pixels, and has one.
pub(crate) fn bomb(width: u32, height: u32) -> Bytes {
    let mut bomb = png(1, 1).to_vec();
    bomb[16..20].copy_from_slice(&width.to_be_bytes());
    bomb[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    bomb.into()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}
