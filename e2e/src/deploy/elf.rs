//! Check of a program's ELF header for a dynamic loader, which an image without a base lacks.
//!
//! A dynamically linked program starts as "no such file or directory" there, which names the wrong file.

/// The type of the program header that names a dynamic loader (`PT_INTERP`).
const INTERPRETER: u32 = 3;

/// The dynamic loader that an ELF file asks for; nothing for a static program, an error for what is no 64-bit ELF file
/// of this machine's byte order.
pub(crate) fn dynamic_loader(elf: &[u8]) -> Result<Option<String>, &'static str> {
    let cut = "it ends in the middle of its own headers";
    if elf.get(..5) != Some(b"\x7fELF\x02") {
        return Err("it is no 64-bit ELF program");
    }
    let table = usize::try_from(number(elf, 32, 8).ok_or(cut)?).map_err(|_| cut)?;
    let size = usize::try_from(number(elf, 54, 2).ok_or(cut)?).map_err(|_| cut)?;
    let count = usize::try_from(number(elf, 56, 2).ok_or(cut)?).map_err(|_| cut)?;
    for index in 0..count {
        let header = elf.get(table.saturating_add(index * size)..).ok_or(cut)?;
        if number(header, 0, 4).ok_or(cut)? != u64::from(INTERPRETER) {
            continue;
        }
        let begin = usize::try_from(number(header, 8, 8).ok_or(cut)?).map_err(|_| cut)?;
        let length = usize::try_from(number(header, 32, 8).ok_or(cut)?).map_err(|_| cut)?;
        let path = elf.get(begin..begin.saturating_add(length)).ok_or(cut)?;
        return Ok(Some(String::from_utf8_lossy(path).trim_end_matches('\0').to_owned()));
    }
    Ok(None)
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let mut number = [0; 8];
    let field = bytes.get(at..at + width)?;
    if cfg!(target_endian = "big") {
        number[8 - width..].copy_from_slice(field);
        return Some(u64::from_be_bytes(number));
    }
    number[..width].copy_from_slice(field);
    Some(u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with program headers of these types, the one for the loader naming `/lib/ld.so`.
    fn elf(types: &[u32]) -> Vec<u8> {
        let path = b"/lib/ld.so\0";
        let mut file = vec![0; 64 + types.len() * 56];
        file[..5].copy_from_slice(b"\x7fELF\x02");
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&u16::try_from(types.len()).unwrap().to_le_bytes());
        let end = u64::try_from(file.len()).unwrap();
        for (index, header) in types.iter().enumerate() {
            let at = 64 + index * 56;
            file[at..at + 4].copy_from_slice(&header.to_le_bytes());
            file[at + 8..at + 16].copy_from_slice(&end.to_le_bytes());
            file[at + 32..at + 40].copy_from_slice(&u64::try_from(path.len()).unwrap().to_le_bytes());
        }
        file.extend_from_slice(path);
        file
    }

    #[test]
    fn a_program_that_asks_for_a_loader_names_it() {
        assert_eq!(dynamic_loader(&elf(&[1, 3])), Ok(Some("/lib/ld.so".into())));
    }

    #[test]
    fn a_static_program_asks_for_none() {
        assert_eq!(dynamic_loader(&elf(&[1, 2])), Ok(None));
    }

    #[test]
    fn this_very_test_is_read_as_the_linker_made_it() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let loader = dynamic_loader(&own).unwrap();
        assert_eq!(loader.is_some(), !cfg!(target_feature = "crt-static"), "{loader:?}");
    }

    #[test]
    fn truncated_or_foreign_program_is_rejected() {
        assert!(dynamic_loader(b"#!/bin/sh\n").is_err());
        assert!(dynamic_loader(&elf(&[1, 3])[..100]).is_err());
    }
}
