//! The style sheet, the script and the logo: built in, named by content, compressed at build time.

/// One file under `/_static/`. Its name changes with its content, so it may be cached for ever.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Path of the request, such as `/_static/mainstay-0123456789abcdef.css`.
    pub path: &'static str,
    /// For the `Content-Type` header.
    pub content_type: &'static str,
    /// As it is.
    pub bytes: &'static [u8],
    /// For `Content-Encoding: br`.
    pub brotli: &'static [u8],
    /// For `Content-Encoding: gzip`.
    pub gzip: &'static [u8],
}

mod built {
    use super::Asset;
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// For the `Cache-Control` header of every asset.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// For the `Content-Security-Policy` header of every page: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/// The asset at this request path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    built::ALL.iter().find(|asset| asset.path == path)
}

/// Every asset.
#[must_use]
pub const fn all() -> &'static [Asset] {
    built::ALL
}

/// Where the style sheet is.
#[must_use]
pub const fn css_href() -> &'static str {
    built::CSS_HREF
}

/// Where the script is; it is one module.
#[must_use]
pub const fn js_href() -> &'static str {
    built::JS_HREF
}

/// Where the logo is, which is also the favicon.
#[must_use]
pub const fn logo_href() -> &'static str {
    built::LOGO_HREF
}

#[cfg(test)]
mod tests {
    use super::{all, css_href, find, js_href, logo_href};

    #[test]
    fn every_asset_is_found_under_its_name() {
        for path in [css_href(), js_href(), logo_href()] {
            assert_eq!(find(path).map(|asset| asset.path), Some(path));
        }
        assert!(find("/_static/../secret").is_none());
    }

    #[test]
    fn what_a_first_visit_loads_stays_under_30_kb_compressed() {
        let packed: usize = all().iter().map(|asset| asset.brotli.len()).sum();
        assert!(packed < 30_000, "{packed} bytes");
        let gzip: usize = all().iter().map(|asset| asset.gzip.len()).sum();
        assert!(gzip < 34_000, "{gzip} bytes");
    }

    #[test]
    fn the_script_is_one_module_without_imports() {
        let js = std::str::from_utf8(find(js_href()).unwrap().bytes).unwrap();
        assert!(!js.lines().any(|line| line.starts_with("import ") || line.starts_with("export ")));
    }
}
