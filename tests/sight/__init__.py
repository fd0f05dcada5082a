"""What whoever runs the service sees of it: metrics, log lines and traces, and what is drawn and told from them."""
