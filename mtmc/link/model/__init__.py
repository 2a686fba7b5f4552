"""What is known of the cameras: the camera network, its entry and exit zones, the densities of its likelihoods, its file."""
