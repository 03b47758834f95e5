"""What the gate lets through: equal models, and real retraining on the bank's stream."""
