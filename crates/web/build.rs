//! Joins the style sheets and the modules, names them by their content, compresses them, and writes the table of assets.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Style sheets in the order of their layers.
const CSS: [&str; 8] = ["tokens", "base", "layout", "controls", "parts", "lists", "charts", "print"];
/// Modules in the order of their dependencies.
const JS: [&str; 12] = [
    "dom",
    "fragment",
    "shell",
    "keys",
    "palette",
    "list",
    "person",
    "live",
    "chart-scale",
    "chart",
    "chart-table",
    "complete",
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=assets");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let root = Path::new("assets");
    let css = joined(&root.join("css"), "css", &CSS)?;
    let js = modules(&root.join("js"))?;
    let logo = fs::read_to_string(root.join("logo.svg"))?;
    let mut table = String::new();
    let css_path = asset(&out, &mut table, "mainstay", "css", "text/css; charset=utf-8", &css)?;
    let js_path = asset(&out, &mut table, "mainstay", "js", "text/javascript; charset=utf-8", &js)?;
    let logo_path = asset(&out, &mut table, "logo", "svg", "image/svg+xml", logo.trim())?;
    let text = format!(
        "pub(crate) const CSS_HREF: &str = {css_path:?};\npub(crate) const JS_HREF: &str = {js_path:?};\n\
         pub(crate) const LOGO_HREF: &str = {logo_path:?};\npub(crate) const ALL: &[Asset] = &[\n{table}];\n"
    );
    fs::write(out.join("assets.rs"), text)?;
    Ok(())
}

fn read(folder: &Path, name: &str, extension: &str) -> Result<String> {
    let path = folder.join(format!("{name}.{extension}"));
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// The sheets without comments and indentation.
fn joined(folder: &Path, extension: &str, names: &[&str]) -> Result<String> {
    let mut all = String::new();
    for name in names {
        let text = read(folder, name, extension)?;
        let mut rest = text.as_str();
        let mut bare = String::new();
        while let Some((before, after)) = rest.split_once("/*") {
            bare.push_str(before);
            rest = after.split_once("*/").ok_or_else(|| format!("{name}: a comment is not closed"))?.1;
        }
        bare.push_str(rest);
        for line in bare.lines().map(str::trim).filter(|line| !line.is_empty()) {
            all.push_str(line);
            all.push('\n');
        }
    }
    Ok(all)
}

/// The modules as one: imports between them and `export` words fall away, so every top-level name must be unique.
fn modules(folder: &Path) -> Result<String> {
    let mut all = String::new();
    let mut names = BTreeSet::new();
    for module in JS {
        let text = read(folder, module, "js")?;
        let mut in_comment = false;
        for line in text.lines() {
            let bare = line.trim();
            if in_comment || bare.starts_with("/*") {
                in_comment = !bare.ends_with("*/");
                continue;
            }
            if bare.is_empty() || bare.starts_with("//") || line.starts_with("import ") {
                continue;
            }
            let code = line.strip_prefix("export ").unwrap_or(line);
            if let Some(name) = declared(code).filter(|name| !names.insert((*name).to_owned())) {
                return Err(format!("{module}.js declares {name}, which an earlier module declares too").into());
            }
            all.push_str(code.trim());
            all.push('\n');
        }
    }
    Ok(all)
}

/// The name a top-level line declares.
fn declared(line: &str) -> Option<&str> {
    let rest =
        ["async function ", "function ", "const ", "let ", "class "].iter().find_map(|word| line.strip_prefix(word))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().filter(|name| !name.is_empty())
}

fn asset(out: &Path, table: &mut String, stem: &str, extension: &str, kind: &str, text: &str) -> Result<String> {
    let name = format!("{stem}-{:016x}.{extension}", fnv1a(text.as_bytes()));
    let write = |suffix: &str, bytes: &[u8]| fs::write(out.join(format!("{stem}.{extension}{suffix}")), bytes);
    write("", text.as_bytes())?;
    write(".br", &brotli(text.as_bytes())?)?;
    write(".gz", &gzip(text.as_bytes())?)?;
    let path = format!("/_static/{name}");
    let include = |suffix: &str| format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{stem}.{extension}{suffix}\"))");
    writeln!(
        table,
        "    Asset {{ path: {path:?}, content_type: {kind:?}, bytes: {}, brotli: {}, gzip: {} }},",
        include(""),
        include(".br"),
        include(".gz")
    )?;
    Ok(path)
}

/// FNV-1a, 64 bits: names change when contents do; nothing secret depends on it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 11, 22);
    writer.write_all(bytes)?;
    writer.flush()?;
    drop(writer);
    Ok(packed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}
