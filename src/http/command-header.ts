/** Commands of this machine say in it which account they run under; believed only beside the local token. */
export const USER_HEADER = 'larder-user';
