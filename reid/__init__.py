"""Vehicle and person re-identification with SGFD (ICCV 2021): network, training, protocols, pictures."""
