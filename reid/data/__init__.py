"""Images into batches: loader, sampler, augmentation."""
