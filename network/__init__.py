"""What the network does to calls: profiles, the model of a link, executors, and proof of the dose."""
