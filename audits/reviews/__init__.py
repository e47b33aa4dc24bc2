"""What people decide: rulings, appeals, corrections."""
