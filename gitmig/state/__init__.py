"""All that a clone remembers, each kind in a store of its own."""
