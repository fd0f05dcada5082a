"""What nobody polite would send, to the installed command on a real socket."""
