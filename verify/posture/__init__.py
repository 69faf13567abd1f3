"""Is the recording right? Facts are collected once; pure functions judge them."""
