"""What is known of a customer: events, features, profile, their sources and corrections."""
