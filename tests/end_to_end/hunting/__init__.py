"""`verify hunt` over what the lab records: its attacks, ordinary days, and the example that hunts every hour."""
