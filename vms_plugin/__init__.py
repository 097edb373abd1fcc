"""HOST: the journal, the incident, the delivery, the page. The only door to adapters."""
