//! The media type of a file, by the extension of its name.
//!
//! A browser runs no module and compiles no WebAssembly that is called something else, and with
//! `nosniff` it guesses nothing. The names are those of IANA's registry, and where it has none for
//! what everyone sends, those that browsers know.

/// The media type of a file with this name. Text in UTF-8 is said to be that; text in anything else
/// may say in itself what it is in.
pub(super) fn media_type(name: &str, is_utf8: bool) -> &'static str {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    let media_type = of_extension(&extension.to_ascii_lowercase());
    match media_type.split_once(';') {
        Some((without_charset, _)) if !is_utf8 => without_charset,
        _ => media_type,
    }
}

fn of_extension(extension: &str) -> &'static str {
    text(extension)
        .or_else(|| image_or_font(extension))
        .or_else(|| audio_or_video(extension))
        .or_else(|| application(extension))
        .unwrap_or("application/octet-stream")
}

fn text(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" | "text" | "log" => "text/plain; charset=utf-8",
        "md" | "markdown" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "tsv" => "text/tab-separated-values; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "vtt" => "text/vtt; charset=utf-8",
        "ics" => "text/calendar; charset=utf-8",
        "vcf" => "text/vcard; charset=utf-8",
        _ => return None,
    })
}

fn image_or_font(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "apng" => "image/apng",
        "jpg" | "jpeg" | "jpe" | "jfif" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "jxl" => "image/jxl",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "ico" | "cur" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "ttc" | "otc" => "font/collection",
        "eot" => "application/vnd.ms-fontobject",
        _ => return None,
    })
}

fn audio_or_video(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "aac" => "audio/aac",
        "m4a" => "audio/mp4",
        "weba" => "audio/webm",
        "mid" | "midi" => "audio/midi",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "mov" => "video/quicktime",
        "mkv" => "video/matroska",
        "avi" => "video/x-msvideo",
        "mpg" | "mpeg" => "video/mpeg",
        "3gp" => "video/3gpp",
        "ts" | "m2ts" => "video/mp2t",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        _ => return None,
    })
}

fn application(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "json" | "map" => "application/json",
        "jsonld" => "application/ld+json",
        "geojson" => "application/geo+json",
        "ndjson" => "application/x-ndjson",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "xhtml" | "xht" => "application/xhtml+xml",
        "xsl" | "xslt" => "application/xslt+xml",
        "atom" => "application/atom+xml",
        "rss" => "application/rss+xml",
        "yaml" | "yml" => "application/yaml",
        "toml" => "application/toml",
        "rtf" => "application/rtf",
        "epub" => "application/epub+zip",
        "gltf" => "model/gltf+json",
        "glb" => "model/gltf-binary",
        "stl" => "model/stl",
        "usdz" => "model/vnd.usdz+zip",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "zst" => "application/zstd",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "tar" => "application/x-tar",
        "7z" => "application/x-7z-compressed",
        "rar" => "application/vnd.rar",
        "jar" => "application/java-archive",
        "apk" => "application/vnd.android.package-archive",
        "doc" => "application/msword",
        "xls" => "application/vnd.ms-excel",
        "ppt" => "application/vnd.ms-powerpoint",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt" => "application/vnd.oasis.opendocument.text",
        "ods" => "application/vnd.oasis.opendocument.spreadsheet",
        "odp" => "application/vnd.oasis.opendocument.presentation",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_follows_the_last_extension_in_any_case() {
        for (name, expected) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.cjs", "text/javascript; charset=utf-8"),
            ("a.min.css", "text/css; charset=utf-8"),
            ("a.js.map", "application/json"),
            ("a.webmanifest", "application/manifest+json"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("README.MD", "text/markdown; charset=utf-8"),
            ("feed.xml", "text/xml; charset=utf-8"),
            ("a.csv", "text/csv; charset=utf-8"),
            ("a.SVG", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.JPEG", "image/jpeg"),
            ("a.gif", "image/gif"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
            ("a.jxl", "image/jxl"),
            ("a.apng", "image/apng"),
            ("favicon.ico", "image/x-icon"),
            ("a.woff", "font/woff"),
            ("a.woff2", "font/woff2"),
            ("a.Ttf", "font/ttf"),
            ("a.otf", "font/otf"),
            ("a.wasm", "application/wasm"),
            ("a.pdf", "application/pdf"),
            ("a.mp3", "audio/mpeg"),
            ("a.ogg", "audio/ogg"),
            ("a.wav", "audio/wav"),
            ("a.m4a", "audio/mp4"),
            ("a.mp4", "video/mp4"),
            ("a.webm", "video/webm"),
            ("a.tar.gz", "application/gzip"),
            ("a.html.exe", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
            ("html", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("folder.js/file", "application/octet-stream"),
        ] {
            assert_eq!(media_type(name, true), expected, "{name}");
        }
    }

    /// A page in another encoding may say so in a `meta`, which a charset here would overrule.
    #[test]
    fn charset_is_said_of_text_that_is_in_it() {
        assert_eq!(media_type("a.html", false), "text/html");
        assert_eq!(media_type("a.csv", false), "text/csv");
        assert_eq!(media_type("a.png", false), "image/png");
    }
}
