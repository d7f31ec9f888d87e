"""Networks: encoders, decoders, discriminators and the priors that their codes are matched to."""
