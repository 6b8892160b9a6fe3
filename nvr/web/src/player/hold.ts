// Keeps the last frame on screen while a player loads the next window. Without it every change of window flashes black.

export class FrameHold {
  private readonly release = (): void => {
    this.canvas.hidden = true;
  };

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly canvas: HTMLCanvasElement,
  ) {
    canvas.hidden = true;
    for (const event of ['playing', 'seeked', 'loadeddata'] as const) video.addEventListener(event, this.release);
  }

  hold(): void {
    const { videoWidth, videoHeight, readyState } = this.video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return;
    this.canvas.width = videoWidth;
    this.canvas.height = videoHeight;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    context.drawImage(this.video, 0, 0);
    this.canvas.hidden = false;
  }

  destroy(): void {
    this.release();
    for (const event of ['playing', 'seeked', 'loadeddata'] as const)
      this.video.removeEventListener(event, this.release);
  }
}
